"""Which folders are looked into, as lifecycle.yml says it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dvt.config.lifecycle_file import DataType, Lifecycle
from dvt.lifecycle.find.places import Contents, Place


def places_of(settings: Lifecycle) -> tuple[Place, ...]:
    """Return the folders in which items are, each once, with what is in it."""
    by_path: dict[Path, list[DataType]] = {}
    for data_type in settings.data.values():
        for path in data_type.places:
            by_path.setdefault(path, []).append(data_type)
    return tuple(
        Place(
            path=path,
            contents=_contents(of),
            unmarked=all(data_type.unmarked for data_type in of),
            mount_point=all(data_type.mount_point for data_type in of),
            foreign=all(data_type.foreign for data_type in of),
            follow_links=all(data_type.follow_links for data_type in of),
        )
        for path, of in by_path.items()
    )


def _contents(data_types: Sequence[DataType]) -> tuple[Contents, ...]:
    """Return the contents of a folder; data types that differ in the status of operations only are one."""
    merged: dict[tuple[object, ...], list[DataType]] = {}
    for of in data_types:
        is_alone = "" if of.kind == "operations" else of.name
        key = (is_alone, of.kind, of.files, of.recursive, of.group_by, of.tags)
        merged.setdefault(key, []).append(of)
    return tuple(
        Contents(
            data_types=tuple(of.name for of in group),
            operations=group[0].kind == "operations",
            folders=_FOLDERS.get(group[0].kind, ""),
            files=group[0].files,
            recursive=group[0].recursive,
            group_by=group[0].group_by,
            tags=group[0].tags,
        )
        for group in merged.values()
    )


_FOLDERS = {"folders": "any", "invocations": "invocations"}


def project_target(folder: Path) -> Path | None:
    """Return the folder into which a project's dbt writes, as far as that is known without dbt."""
    named = os.environ.get("DBT_ENGINE_TARGET_PATH") or os.environ.get("DBT_TARGET_PATH") or ""
    if not named:
        with suppress(OSError, UnicodeDecodeError):
            text = (folder / "dbt_project.yml").read_text(encoding="utf-8")
            found = _TARGET_PATH.search(text)
            named = found[1].strip() if found else "target"
    return Path(os.path.normpath(folder / named)) if named else None


_TARGET_PATH = re.compile(r"""^target-path:\s*["']?([^"'#\n]+)""", re.MULTILINE)
