"""The files `.dvt/operations/operation_<id>.json`: one per command, for people, pages and the lifecycle.

`docs/reference/operations.md` says what is in them. A file is written whole or not at all, so that who reads
it while its command runs sees a state that was.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dvt.core.operation_record import Failure, NodeRecord, OperationRecord, Worker
from dvt.core.reports import Moved
from dvt.core.status import Status

PREFIX = "operation_"
"""How names of operation files begin; the id follows, and `.json`."""
LARGEST = 256 * 2**20
"""Bytes of the largest file that is read: some 500,000 nodes."""
_OLD_WORDS = {"error": Status.FAILED, "success": Status.COMPLETED, "canceled": Status.CANCELLED}
"""Words of other writers of such files."""
_KNOWN = frozenset({"operation_id", "pipeline_name", "status"})
"""An object without any of these keys is not about an operation."""


def read_operation(path: Path) -> OperationRecord | None:
    """Read an operation file, dvt's or another writer's; None for what is none, or cannot be read.

    What is missing or of a wrong type is empty in the answer; a status that is not known is
    `Status.UNKNOWN`. Times without a zone are taken for local ones. It never raises, and does not wait for
    what is no regular file.
    """
    content = read_object(path)
    if content is None or not content.keys() & _KNOWN:
        return None
    return _record(content)


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a file's JSON object; None if there is none."""
    with suppress(OSError, ValueError, RecursionError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return None
            content = json.loads(file.read())
            return content if isinstance(content, dict) else None
    return None


def node_text(node: NodeRecord) -> str:
    """Return a node's JSON, on one line."""
    return json.dumps(
        {
            "unique_id": node.unique_id,
            "name": node.name,
            "resource_type": node.resource_type,
            "path": node.path,
            "place": node.place,
            "target": node.target,
            "status": node.status,
            "started": _text(node.started),
            "ended": _text(node.ended),
            "rows": node.rows,
            "error": _failure(node.error),
            "dependencies": node.dependencies,
            "stages": [_stage(moved) for moved in node.moved],
        }
    )


def as_bytes(record: OperationRecord, node_texts: Iterable[str]) -> bytes:
    """Return a file's content: a line for each key, and one for each node.

    Args:
        record: the operation.
        node_texts: `node_text` of each of its nodes.
    """
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in _head(record).items()]
    nodes = ",\n".join(f"    {text}" for text in node_texts)
    lines.append(f'  "nodes": [\n{nodes}\n  ]' if nodes else '  "nodes": []')
    return ("{\n" + "\n".join(lines) + "\n}\n").encode()


def _head(record: OperationRecord) -> dict[str, Any]:
    return {
        "operation_id": record.operation_id,
        "pipeline_name": record.pipeline_name,
        "status": record.status.value,
        "start_time": _text(record.start_time),
        "end_time": _text(record.end_time),
        "progress": record.progress,
        "message": record.message,
        "completed": record.completed,
        "format": record.format,
        "command": record.command,
        "command_name": record.command_name,
        "profile": record.profile,
        "target": record.target,
        "versions": dict(record.versions),
        "host": record.worker.host,
        "pid": record.worker.pid,
        "boot_id": record.worker.boot_id,
        "process_start_time": _text(record.worker.process_start_time),
        "heartbeat": _text(record.heartbeat),
        "run": record.run,
        "exit_code": record.exit_code,
        "error": _failure(record.error),
        "totals": {"nodes": dict(sorted(record.statuses().items())), **asdict(record.totals())},
    }


def _stage(moved: Moved) -> dict[str, Any]:
    return {
        "stage": moved.what,
        "connection": moved.connection,
        "rows": moved.rows if moved.rows >= 0 else None,
        "bytes": moved.bytes if moved.bytes >= 0 else None,
        "seconds": round(moved.seconds, 6),
        "reused": moved.reused,
        "note": moved.note,
    }


def _failure(error: Failure | None) -> dict[str, str] | None:
    return None if error is None else {"code": error.code, "text": error.text}


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat(timespec="microseconds")


def _record(content: Mapping[str, Any]) -> OperationRecord:
    """Build the record of an object, whatever is in it."""
    return OperationRecord(
        operation_id=_str(content, "operation_id"),
        pipeline_name=_str(content, "pipeline_name"),
        status=status_of(content),
        start_time=_time(content, "start_time"),
        end_time=_time(content, "end_time"),
        progress=_int(content, "progress") or 0,
        message=_str(content, "message"),
        completed=content.get("completed") is True,
        format=_int(content, "format") or 0,
        command=_strings(content, "command"),
        command_name=_str(content, "command_name"),
        profile=_str(content, "profile"),
        target=_str(content, "target"),
        versions={name: version for name, version in _items(content, "versions") if isinstance(version, str)},
        worker=Worker(
            host=_str(content, "host"),
            pid=_int(content, "pid") or 0,
            boot_id=_str(content, "boot_id"),
            process_start_time=_time(content, "process_start_time"),
        ),
        heartbeat=_time(content, "heartbeat"),
        run=_str(content, "run"),
        exit_code=_int(content, "exit_code"),
        error=_error(content),
        nodes=tuple(map(_node, _objects(content, "nodes"))),
    )


def _node(content: Mapping[str, Any]) -> NodeRecord:
    return NodeRecord(
        unique_id=_str(content, "unique_id"),
        name=_str(content, "name"),
        resource_type=_str(content, "resource_type"),
        path=_str(content, "path"),
        place=_str(content, "place"),
        target=_str(content, "target"),
        dependencies=_strings(content, "dependencies"),
        status=_str(content, "status"),
        started=_time(content, "started"),
        ended=_time(content, "ended"),
        rows=_int(content, "rows"),
        error=_error(content),
        moved=tuple(map(_moved, _objects(content, "stages"))),
    )


def _moved(content: Mapping[str, Any]) -> Moved:
    seconds = content.get("seconds")
    rows, count = _int(content, "rows"), _int(content, "bytes")
    return Moved(
        what=_str(content, "stage"),
        connection=_str(content, "connection"),
        rows=-1 if rows is None else rows,
        bytes=-1 if count is None else count,
        seconds=float(seconds) if isinstance(seconds, int | float) and abs(seconds) < 1e15 else 0.0,  # noqa: PLR2004
        reused=content.get("reused") is True,
        note=_str(content, "note"),
    )


def status_of(content: Mapping[str, Any]) -> Status:
    """Return the status that an object says, in the words of any writer."""
    word = _str(content, "status").lower()
    with suppress(ValueError):
        return Status(word)
    return _OLD_WORDS.get(word, Status.UNKNOWN)


def _error(content: Mapping[str, Any]) -> Failure | None:
    error = content.get("error")
    if isinstance(error, dict):
        return Failure(text=_str(error, "text"), code=_str(error, "code"))
    return Failure(text=error) if isinstance(error, str) and error else None


def _str(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    return value if isinstance(value, str) else ""


def _int(content: Mapping[str, Any], key: str) -> int | None:
    value = content.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(content: Mapping[str, Any], key: str) -> datetime | None:
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromisoformat(_str(content, key)).astimezone(UTC)
    return None


def _strings(content: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = content.get(key)
    return tuple(part for part in value if isinstance(part, str)) if isinstance(value, list) else ()


def _objects(content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = content.get(key)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _items(content: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    value = content.get(key)
    return list(value.items()) if isinstance(value, dict) else []
