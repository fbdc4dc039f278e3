"""Which operations are under way: a locked file for each, so that none of the ended ones is ever looked at.

`.dvt/operations/running/operation_<id>.lock` names the process, which holds its lock until the operation
file says how it ended. A lock that is free and whose process is gone is that of a killed one.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dvt.core.operation_record import RUNNING
from dvt.core.status import Status
from dvt.drivers.disk import own_folder, private_folder, temporary_name, unique_suffix, write_private
from dvt.runs.operation_files import PREFIX, read_object
from dvt.runs.operations import Process, locked, new_id

DIED = "its process ended without a word"
"""The message of an operation whose process was killed."""
_ATTEMPTS = 5
"""How many ids are tried; more than one only if somebody looks at a lock that was made this moment."""


class Running:
    """This process's hold on one operation that is under way."""

    def __init__(self, operation_id: str, file: Path, lock: Path, descriptor: int) -> None:
        self.operation_id = operation_id
        self.file = file
        """The operation file, which the caller writes."""
        self._lock = lock
        self._descriptor = descriptor

    def close(self, *, is_over: bool) -> None:
        """Let go; the file says how the operation ended, or a later command will write that it has failed."""
        try:
            if is_over:
                self._lock.unlink(missing_ok=True)
        finally:
            os.close(self._descriptor)


def begin(project_dir: Path, process: Process) -> Running:
    """Begin an operation of this process; OSError or a DvtError where the project cannot be written."""
    folder = own_folder(project_dir / ".dvt") / "operations"
    running = folder / "running"
    private_folder(running)
    for _ in range(_ATTEMPTS):
        operation_id = new_id()
        name = f"{PREFIX}{operation_id}"
        lock = running / f"{name}.lock"
        descriptor = locked(lock, os.O_CREAT | os.O_EXCL)
        if descriptor is not None:
            os.write(descriptor, json.dumps(asdict(process)).encode())
            return Running(operation_id, folder / f"{name}.json", lock, descriptor)
    msg = f"files in {running} cannot be locked"
    raise OSError(msg)


def conclude_dead(project_dir: Path, here: Process) -> None:
    """Write into the files of operations whose process was killed that they have failed."""
    folder = project_dir / ".dvt" / "operations"
    for lock in _locks(folder / "running"):
        descriptor = locked(lock, 0)
        if descriptor is None:
            continue
        try:
            if _is_dead(read_object(lock), here):
                _conclude(folder / f"{lock.stem}.json")
                lock.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _locks(folder: Path) -> Iterator[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from [folder / entry.name for entry in entries if entry.name.endswith(".lock")]


def _is_dead(content: dict[str, Any] | None, here: Process) -> bool:
    """True for a free lock whose process is gone for certain, or has died before it wrote its name."""
    try:
        process = Process(**content) if content is not None else None
    except TypeError:
        return False  # a later version's
    return process is None or (process.may_be_judged_by(here) and not process.is_running())


def _conclude(file: Path) -> None:
    """Write that an operation has failed; one that had ended stays as it is."""
    temporary_name(file).unlink(missing_ok=True)
    content = read_object(file)
    if content is None or content.get("status") != Status.RUNNING:
        return
    end = content.get("heartbeat") or content.get("start_time") or datetime.now(UTC).isoformat()
    content |= {"status": Status.FAILED.value, "end_time": end, "message": DIED, "completed": True}
    content["error"] = {"code": "", "text": DIED}
    nodes = content.get("nodes")
    for node in nodes if isinstance(nodes, list) else []:
        if isinstance(node, dict) and node.get("status") == RUNNING:
            node |= {"status": "error", "ended": end, "error": content["error"]}
    if isinstance(totals := content.get("totals"), dict) and isinstance(nodes, list):
        totals["nodes"] = Counter(str(node.get("status")) for node in nodes if isinstance(node, dict))
    write_private(file, json.dumps(content, indent=1).encode(), unique=unique_suffix())
