"""Begins: lifecycle.yml with the usual policies, valid, and the folders marked that may be cleaned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dvt.config.lifecycle_file import FILE, load_lifecycle
from dvt.core.errors import DvtError
from dvt.drivers.disk import create_private
from dvt.lifecycle.find.places import is_own, mark
from dvt.lifecycle.policies.defaults import DEFAULTS

if TYPE_CHECKING:
    from dvt.lifecycle.system import System

_HEAD = """\
# What may be cleaned, and for how long it stays: `dvt lifecycle plan` shows what is due, and changes nothing.
# docs/reference/lifecycle.md has every key. After a change: `dvt lifecycle policies apply`.
zone: UTC
# backups: { path: /another/disk/backups, keep: 7d, encrypt_to: age1… }
# data:
#   exports: { in: [/data/exports], files: ["*.csv"] }
policies:
"""


def begin(folder: Path, file: Path | None, opened: Callable[[], System]) -> Iterator[str]:
    """Write what is missing, and yield what was done, in sentences. What is there stays as it is."""
    path = file or folder / FILE
    load_lifecycle(
        folder, path if path.exists() else None
    )  # what is wrong with a file that is there is told before anything is written
    try:
        create_private(path, _text().encode())
        path.chmod(0o644)
        yield f"wrote {path}"
    except FileExistsError:
        yield f"{path} is there already"
    with opened() as system:
        added = system.apply_policies("dvt lifecycle init", only_new=True)
        yield f"valid policies in {system.store.label}: {', '.join(system.store.policies())}"
        if not added:
            yield "all were valid already"
        for place in system.places:
            if is_own(place) or place.unmarked:
                continue
            try:
                if mark(place):
                    yield f"marked {place.path}, which may be cleaned by now"
            except FileNotFoundError:
                yield f"{place.path} is not there yet; mark it later by the same command"
            except DvtError as error:
                yield f"not marked: {error.message}"
    yield "next: dvt lifecycle plan"


def _text() -> str:
    lines = (
        f"  {policy.data_type}: {{ days: {policy.rule.days:g} }}"
        + (f" # {policy.description}" if policy.description else "")
        for policy in DEFAULTS.values()
    )
    return _HEAD + "\n".join(lines) + "\n"
