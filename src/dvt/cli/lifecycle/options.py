"""What the commands of `dvt lifecycle` share: the project, JSON, exit codes, and how errors are told."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dvt.core.errors import (
    DvtError,
    LifecycleMissing,
    NoLifecycle,
    RunRefused,
    StagingUnusable,
    StoreUnreachable,
    UnrecordedRun,
)
from dvt.core.file_names import as_text
from dvt.core.retention import Source

if TYPE_CHECKING:
    from dvt.core.ports.lifecycle import Surroundings
    from dvt.lifecycle.offline import Offline
    from dvt.lifecycle.system import System

DONE, FAILED, PARTIAL, REFUSED = range(4)
"""Exit codes."""

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
YES = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")


def _said(_ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value.strip():
        msg = "it should say why"
        raise click.BadParameter(msg, param=param)
    return value


REASON = click.option("--reason", required=True, callback=_said, help="Why; it is put on record.")
DATA_TYPES = click.option(
    "--data-type", "-t", "data_types", multiple=True, metavar="NAME", help="Only this data type; repeatable."
)


def project(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which project is meant, and tell its errors without a traceback."""

    @click.option(
        "--project-dir",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        default=Path(),
        help="Folder of the project; this one, if it is left out.",
    )
    @click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Another file than the project's lifecycle.yml.",
    )
    @wraps(function)
    def called(*args: Any, **options: Any) -> Any:
        with telling():
            return function(*args, **options)

    return called


@contextmanager
def telling() -> Iterator[None]:
    """Tell errors, and end with their exit code."""
    try:
        yield
    except DvtError as error:
        click.echo(str(error), err=True)
        sys.exit(REFUSED if isinstance(error, RunRefused | UnrecordedRun) else FAILED)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(FAILED)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # Click ends then without a word, as programs do before `head`
        click.echo(str(_unwritable(error)), err=True)
        sys.exit(FAILED)


def _unwritable(error: OSError) -> DvtError:
    """Return what the operating system refuses, as dvt's error."""
    if error.filename is None:
        # What was not printed is not tried again at the end, which would be told by a traceback.
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    place = "the output" if error.filename is None else os.fsdecode(error.filename)
    unusable = StagingUnusable(place, error.strerror or str(error))
    unusable.hint = "is there room, and may this user write there?"
    return unusable


def opened(
    project_dir: Path, config: Path | None, *, is_new: bool = False, source: Source = Source.CLI
) -> System:
    """Open a project's lifecycle; `is_new`: it may be one of which nothing is there yet."""
    from dvt.config.lifecycle_file import load_lifecycle

    with as_lifecycle(project_dir, config, is_new=is_new):
        from dvt.lifecycle.system import System
    settings = load_lifecycle(project_dir, config)
    return System(settings, source=source, surroundings=surroundings_of(project_dir))


def surroundings_of(project_dir: Path) -> Surroundings:
    """Return what is around a project's lifecycle: its staged data."""
    from dvt.app.lifecycle import surroundings

    return surroundings(project_dir)


def opened_if_possible(project_dir: Path, config: Path | None) -> System | Offline:
    """Open a project's lifecycle, or what of it works while its store does not answer; say so then."""
    try:
        return opened(project_dir, config)
    except StoreUnreachable as error:
        from dvt.config.lifecycle_file import load_lifecycle
        from dvt.lifecycle.offline import Offline
        from dvt.lifecycle.system import actor

        click.echo(f"{error.message}; what is done is recorded here, and put on record there later", err=True)
        settings = load_lifecycle(project_dir, config)
        return Offline(settings, error, by=actor(), surroundings=surroundings_of(project_dir))


@contextmanager
def as_lifecycle(project_dir: Path, config: Path | None, *, is_new: bool = False) -> Iterator[None]:
    """Import what a project's lifecycle needs: NoLifecycle if the folder is none, LifecycleMissing."""
    from dvt.config.lifecycle_file import FILE

    known = (FILE, "dbt_project.yml")
    if not (is_new or config is not None or any((project_dir / name).exists() for name in known)):
        raise NoLifecycle(str(project_dir.resolve()))
    try:
        yield
    except ImportError as error:
        raise LifecycleMissing(error.name or "a package") from error


def key(path: str) -> str:
    """Return the key of an item that a command line names: a file's path, or what is no path, as it is."""
    if _ADDRESS.match(path) and not Path(path).exists():
        return path
    return as_text(os.fsencode(Path.cwd() / path))


_ADDRESS = re.compile(r"[a-z][a-z0-9_+.-]*:", re.IGNORECASE)
"""Matches the begin of a key that is no path, such as that of a dataset in a bucket or of a row."""


def as_moment(read: Callable[[str], int]) -> Callable[..., int | None]:
    """Return what reads an option's day, or time, in ISO 8601; in UTC where it says no zone."""

    def convert(_ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
        try:
            return None if value is None else read(value)
        except ValueError as error:
            raise click.BadParameter(f"this is no day and no time: {error}", param=param) from None

    return convert


def first_moment(text: str) -> int:
    """Return the begin of a day, or a time."""
    from dvt.lifecycle.reports.times import first_moment

    return first_moment(text)


def last_moment(text: str) -> int:
    """Return the end of a day, or a time."""
    from dvt.lifecycle.reports.times import day_moment

    return day_moment(text)


def until(end: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option that says until when something is valid; `end`: what ends it otherwise."""
    return click.option(
        "--until",
        callback=as_moment(last_moment),
        metavar="DATE",
        help=f"Until this day (2026-12-31), in UTC; without it, until it is {end}.",
    )


def echo_json(content: Any) -> None:
    """Print an object as JSON."""
    click.echo(json.dumps(content, indent=2))


def echo_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        click.echo(line)


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; refuse where there is none, unless it was confirmed beforehand."""
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():  # None: it was closed by whoever has started dvt
        raise RunRefused(("there is no terminal to ask, and no --yes",))
    if not click.confirm(question):
        raise RunRefused(("it was not confirmed",))
