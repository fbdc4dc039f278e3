"""Writes backups, and what was restored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dvt.core.reports import count, size
from dvt.core.retention import Outcome
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.reports.times import moment_text


def entry_lines(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield backups for people."""
    for entry in entries:
        until = "without end" if entry.kept_until is None else f"until {moment_text(entry.kept_until)}"
        form = "" if entry.ciphertext is None else ", encrypted"
        yield f"{entry.item.key}  {size(entry.size)}  of {moment_text(entry.made)}, stays {until}{form}"
    yield f"{count(len(entries), 'file')}, {size(sum(entry.size for entry in entries))}"


def entry_object(entry: Entry) -> dict[str, Any]:
    """Return a backup for programs."""
    return {
        "file_path": entry.item.key,
        "data_type": entry.item.data_type,
        "size": entry.size,
        "sha256": entry.sha256,
        "run": entry.run,
        "backup": entry.location,
        "encrypted": entry.ciphertext is not None,
        "made": moment_text(entry.made),
        "kept_until": None if entry.kept_until is None else moment_text(entry.kept_until),
    }


def outcome_line(outcome: Outcome) -> str:
    """Return what became of a file, for people."""
    detail = f": {outcome.detail}" if outcome.detail else ""
    return f"{outcome.result}  {outcome.item.key}{detail}"


def outcome_object(outcome: Outcome) -> dict[str, Any]:
    """Return what became of a file, for programs."""
    return {
        "file_path": outcome.item.key,
        "data_type": outcome.item.data_type,
        "result": outcome.result,
        "detail": outcome.detail,
        "sha256": outcome.sha256,
        "backup": outcome.backup,
    }
