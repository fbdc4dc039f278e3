"""Folders that are items: any, or those in which an invocation of dbt has left its artefacts."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from dvt.core.file_names import as_text
from dvt.core.retention import Hold, HoldCode, Item, ItemKind, Status
from dvt.drivers.file_uses import FileUses
from dvt.drivers.trees import Root
from dvt.lifecycle.find.operations import Told, moment_of, unreadable
from dvt.lifecycle.find.places import Contents, Place
from dvt.lifecycle.folders import is_within, see
from dvt.runs.operation_files import LARGEST

_MANIFEST, _RESULTS = b"manifest.json", b"run_results.json"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_METADATA = re.compile(r'"metadata"\s*:\s*(?=\{)')
_HEAD = 2**16
"""Bytes of a manifest that are read: what it says of itself comes first, and it may be very large."""
_FAILED = frozenset({"error", "fail", "runtime error", "partial success"})
"""Statuses of dbt's nodes by which an invocation has failed."""


class FolderItems:
    """Makes items of folders in one place."""

    def __init__(self, root: Root, place: Place, uses: FileUses, kept: Iterable[bytes]) -> None:
        """`kept`: paths that no item may contain, such as the place of backups and the project's target."""
        self._root, self._place, self._uses = root, place, uses
        self._kept = sorted(kept)

    def item(self, of: Contents, folder: int, parts: tuple[bytes, ...]) -> Item | None:
        """Return an open folder, of these parts below its place, as an item; None if it is none.

        OSError if something in it cannot be looked at.
        """
        said = Told(status=None)
        if of.folders == "invocations":
            invocation = _invocation(folder)
            if invocation is None:
                return None
            said = invocation
        if self._place.unmarked and not said.is_operation:
            return None  # whose it is is not known
        seen = see(self._root, folder, self._uses, foreign=self._place.foreign)
        path = b"/".join((os.fsencode(self._place.path), *parts))
        return Item(
            data_type=of.data_types[0],
            kind=ItemKind.FOLDER,
            key=as_text(path),
            root=str(self._place.path),
            identity=seen.identity,
            group=said.group or (of.group_of(parts[:-1], parts[-1]) if of.folders == "any" else ""),
            bytes=seen.bytes,
            files=seen.files,
            status=said.status,
            tags=of.tags,
            recorded=said.recorded,
            modified=seen.modified,
            changed=seen.changed,
            holds=(*seen.holds, *said.holds, *self._containing(path)),
        )

    def _containing(self, path: bytes) -> Iterator[Hold]:
        inner = next((kept for kept in self._kept if is_within(kept, path)), None)
        if inner == path:
            yield Hold(
                HoldCode.REFERENCED, "it is in use: the project's target, a place of its own, or dvt's"
            )
        elif inner is not None:
            yield Hold(HoldCode.REFERENCED, f"{as_text(inner)} is in it, which stays")


def _invocation(folder: int) -> Told | None:
    """Return what an open folder says of the invocation that has written it; None if none has."""
    manifest, results = _head(folder, _MANIFEST), _whole(folder, _RESULTS)
    if manifest is None and results is None:
        return None
    broken = next((said for said in (manifest, results) if isinstance(said, str)), None)
    if broken is not None:
        return unreadable(broken)
    run: Mapping[str, Any] = results if isinstance(results, dict) else {}
    metadata = [said for said in (_metadata(run), manifest) if isinstance(said, dict)]
    moments = [moment_of(said.get("generated_at")) for said in metadata]
    return Told(
        status=_status(run) if run else None,
        group=_name(metadata, run),
        recorded=max((moment for moment in moments if moment is not None), default=None),
        is_operation=True,
    )


def _name(metadata: Sequence[Mapping[str, Any]], run: Mapping[str, Any]) -> str:
    """Return the project and the command, as far as they are said: what an invocation is a version of."""
    arguments = run.get("args")
    which = arguments.get("which") if isinstance(arguments, dict) else None
    projects = (said.get("project_name") for said in metadata)
    project = next((name for name in projects if isinstance(name, str)), "dbt")
    return f"{project} {which}" if isinstance(which, str) else project


def _status(run: Mapping[str, Any]) -> Status:
    nodes = run.get("results")
    if not isinstance(nodes, list):
        return Status.UNKNOWN
    statuses = {node.get("status") if isinstance(node, dict) else None for node in nodes}
    return Status.FAILED if statuses & _FAILED else Status.COMPLETED


def _metadata(run: Mapping[str, Any]) -> Mapping[str, Any] | None:
    metadata = run.get("metadata")
    return metadata if isinstance(metadata, dict) else None


def _head(folder: int, name: bytes) -> dict[str, Any] | str | None:
    """Return what a manifest says of itself; a text why it cannot be read; None if there is none."""
    content = _read(folder, name, _HEAD)
    if not isinstance(content, bytes):
        return content
    text = content.decode(errors="replace")
    begin = _METADATA.search(text)
    with suppress(ValueError):
        if begin is not None:
            metadata, _ = json.JSONDecoder().raw_decode(text, begin.end())
            if isinstance(metadata, dict) and "generated_at" in metadata:
                return metadata
    return "its manifest.json does not say when it was made, so it may not be whole yet"


def _whole(folder: int, name: bytes) -> dict[str, Any] | str | None:
    content = _read(folder, name, LARGEST)
    if not isinstance(content, bytes):
        return content
    with suppress(ValueError, RecursionError):
        read = json.loads(content)
        if isinstance(read, dict) and moment_of((_metadata(read) or {}).get("generated_at")) is not None:
            return read
    return "its run_results.json is not dbt's, or not whole yet"


def _read(folder: int, name: bytes, most: int) -> bytes | str | None:
    try:
        descriptor = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"its {as_text(name)} cannot be read ({error.strerror})"
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return f"its {as_text(name)} is no file"
        return file.read(most)
