"""Caches the help of commands: dbt needs seconds to print a text that is always the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from dvt import __version__
from dvt.app.commands import COMMANDS, help_version

FLAGS = {"-h", "--help"}
"""Flags that print a command's help."""


def requested_command(args: Sequence[str]) -> tuple[str, ...] | None:
    """Return the command, e.g. `("docs", "generate")`, if the arguments request its help and nothing else."""
    if len(args) in {2, 3} and args[-1] in FLAGS and args[0] in COMMANDS:
        has_options = any(arg.startswith("-") for arg in args[1:-1])
        return None if has_options else tuple(args[:-1])
    return None


def cached_help(command: Sequence[str]) -> str | None:
    """Return a command's cached help for the same versions and terminal width; None if there is none."""
    try:
        return _file(command).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def cache_help(command: Sequence[str], text: str) -> None:
    """Write a command's help to the cache; do nothing if the cache folder is not writable."""
    with suppress(OSError):
        file = _file(command)
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(f".{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)


def _file(command: Sequence[str]) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    width = min(shutil.get_terminal_size().columns, 80)
    version_key = f"{__version__}-{version('dbt-core')}-{width}-{help_version()}"
    return cache / "dvt" / f"help-{version_key}" / f"{'-'.join(command)}.txt"
