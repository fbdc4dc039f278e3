"""Keeps the operation file of a command up to date, by a thread of its own, so that the command never waits.

Whatever goes wrong with the file is no matter of the command's: it is logged for developers, no more.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dvt.core.operation_record import (
    FORMAT,
    PENDING,
    RUNNING,
    SKIPPED,
    Ending,
    Failure,
    NodeRecord,
    OperationRecord,
    Worker,
)
from dvt.core.ports.operations import NotRecorded, OperationRecorder
from dvt.core.reports import Moved
from dvt.core.status import Status
from dvt.drivers.disk import write_private
from dvt.runs import running_operations
from dvt.runs.operation_files import as_bytes, node_text
from dvt.runs.operations import Process

logger = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds from one write to the next, at least, while the operation runs."""
HEARTBEAT = 5.0
"""Seconds from one write to the next if nothing happens."""
_SHARE = 25
"""A write that takes s seconds is followed by at least this many times s without one."""
_END_WITHIN = 5.0
"""Seconds that a command waits for its last write."""


class Recorder:
    """Implements `core.ports.operations.OperationRecorder`."""

    def __init__(self, project_dir: Path, record: OperationRecord) -> None:
        self._project_dir = project_dir
        self._record = replace(record, format=FORMAT, status=Status.RUNNING, message="begun")
        self._nodes: dict[str, NodeRecord] = {}
        self._texts: dict[str, tuple[NodeRecord, str]] = {}
        """Unique id → the node when it was last written, and its `node_text`."""
        self._depths: dict[str, int] = {}
        """Unique id → how often it has begun and not ended: batches run within their model."""
        self._seconds = 0.0
        """What the last write has taken."""
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="dvt-operation", daemon=True)
        self._thread.start()

    def describe(self, *, project: str, profile: str = "", target: str = "") -> None:
        """Note what dbt has read; empty: it is as it was."""
        now = self._record
        self._set(
            pipeline_name=project or now.pipeline_name,
            profile=profile or now.profile,
            target=target or now.target,
        )

    def runs_as(self, run: str) -> None:
        """Note the id of the run that moves data."""
        self._set(run=run)

    def expects(self, nodes: Sequence[NodeRecord]) -> None:
        """Note which nodes are to run; those that are known stay as they are."""
        with self._lock:
            self._nodes = {node.unique_id: node for node in nodes} | self._nodes
        self._news.set()

    def began(self, node: str) -> None:
        """Note that a node, or one of its batches, has begun."""
        with self._lock:
            depth = self._depths[node] = self._depths.get(node, 0) + 1
            if depth == 1:
                self._change(node, status=RUNNING, started=datetime.now(UTC), ended=None)

    def is_computed(self, node: str, place: str) -> None:
        """Note where a federated node is computed."""
        with self._lock:
            self._change(node, place=place)

    def moved(self, node: str, moved: Moved) -> None:
        """Note that a node is done with a stage."""
        with self._lock:
            if node in self._nodes:
                self._change(node, moved=(*self._nodes[node].moved, moved))

    def ended(self, node: str, status: str, *, rows: int | None, error: Failure | None) -> None:
        """Note that a node, or one of its batches, has ended; only the node's own end counts."""
        with self._lock:
            depth = self._depths[node] = self._depths.get(node, 1) - 1
            if depth <= 0:
                self._change(node, status=status, ended=datetime.now(UTC), rows=rows, error=error)

    def end(self, ending: Ending) -> None:
        """Note the end of the command, and wait a few seconds at most until that is on the disk."""
        with self._lock:
            if self._over.is_set():
                return
            for node in tuple(self._nodes.values()):
                if not node.is_done:
                    self._change(node.unique_id, **_left(node, ending))
            record = replace(self._record, nodes=tuple(self._nodes.values()))
            self._record = replace(record, **_end_of(ending, record))
            self._over.set()
        self._news.set()
        self._thread.join(_END_WITHIN)

    def _set(self, **fields: Any) -> None:
        with self._lock:
            self._record = replace(self._record, **fields)
        self._news.set()

    def _change(self, node: str, **fields: Any) -> None:
        """Change what is known of a node; hold the lock. What is not expected is none, such as a hook."""
        if node in self._nodes:
            self._nodes[node] = replace(self._nodes[node], **fields)
            self._news.set()

    def _keep(self) -> None:
        """Write the file whenever it is time, until the operation is over."""
        try:
            process = Process.this()
            running = running_operations.begin(self._project_dir, process)
        except Exception:
            logger.debug("this command leaves no operation file", exc_info=True)
            return
        self._set(operation_id=running.operation_id, worker=_worker(process))
        self._write(running.file)
        _quietly(lambda: running_operations.conclude_dead(self._project_dir, process))
        while not self._over.is_set():
            self._wait()
            self._news.clear()
            is_written = self._write(running.file)
        is_written = self._write(running.file)
        _quietly(lambda: running.close(is_over=is_written))

    def _wait(self) -> None:
        """Wait until it is time for the next write: soon if there is news, at once if it is the last."""
        pause = min(max(INTERVAL, _SHARE * self._seconds), HEARTBEAT)
        if not self._over.wait(pause):
            self._news.wait(HEARTBEAT - pause)

    def _write(self, file: Path) -> bool:
        """Write the file; return whether that has worked."""
        began = time.monotonic()
        is_written = _quietly(lambda: write_private(file, self._content()))
        self._seconds = time.monotonic() - began
        return is_written

    def _content(self) -> bytes:
        with self._lock:
            nodes = tuple(self._nodes.values())
            record = replace(self._record, nodes=nodes, heartbeat=datetime.now(UTC))
        if record.status is Status.RUNNING:
            record = replace(record, **_progress(record))
        return as_bytes(record, map(self._text, nodes))

    def _text(self, node: NodeRecord) -> str:
        known, text = self._texts.get(node.unique_id, (None, ""))
        if known is not node:
            text = node_text(node)
            self._texts[node.unique_id] = node, text
        return text


def begin(project_dir: Path, record: OperationRecord) -> OperationRecorder:
    """Begin the record of a command (implements `core.ports.operations.OperationFactory`).

    Args:
        project_dir: the project, whose `.dvt/operations` gets the file.
        record: what is known of the command; its process, its times and its progress are added.
    """
    try:
        return Recorder(project_dir, record)
    except RuntimeError:  # no thread can be started
        return NotRecorded()


def _worker(process: Process) -> Worker:
    return Worker(
        host=process.host,
        pid=process.pid,
        boot_id=process.boot,
        process_start_time=datetime.fromtimestamp(process.started, UTC),
    )


def _quietly(act: Callable[[], None]) -> bool:
    """Do something that may fail; return whether it has not."""
    try:
        act()
    except Exception:
        logger.debug("an operation file was not written", exc_info=True)
        return False
    return True


def _progress(record: OperationRecord) -> dict[str, Any]:
    total, done = len(record.nodes), sum(node.is_done for node in record.nodes)
    if not total:
        return {"message": f"{record.command_name} is under way"}
    return {"progress": min(100 * done // total, 99), "message": f"{done} of {total} nodes are done"}


def _left(node: NodeRecord, ending: Ending) -> dict[str, Any]:
    """Return what becomes of a node that the command has left as it was."""
    if node.status == PENDING:
        return {"status": SKIPPED}
    status = "cancelled" if ending.status is Status.CANCELLED else "error"
    return {"status": status, "ended": datetime.now(UTC)}


def _end_of(ending: Ending, record: OperationRecord) -> dict[str, Any]:
    is_good = ending.status is Status.COMPLETED
    return {
        "status": ending.status,
        "end_time": datetime.now(UTC),
        "progress": 100 if is_good else _progress(record).get("progress", 0),
        "message": _message(ending, record),
        "completed": True,
        "exit_code": ending.exit_code,
        "error": ending.error,
    }


def _message(ending: Ending, record: OperationRecord) -> str:
    """Say in one line how a command has ended."""
    total = len(record.nodes)
    if ending.status is Status.CANCELLED:
        return "cancelled by Ctrl-C"
    if ending.error is not None:
        return ending.error.text.strip().partition("\n")[0]
    if not total:
        return ending.status.value
    if ending.status is Status.FAILED:
        return f"{sum(node.has_failed for node in record.nodes)} of {total} nodes have failed"
    return ", ".join(f"{number} {status}" for status, number in sorted(record.statuses().items()))
