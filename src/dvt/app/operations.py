"""Begins the records of commands, and ends those that a Ctrl-C leaves no time for."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dvt.core.operation_record import OperationRecord
    from dvt.core.ports.operations import OperationRecorder

_recorders: weakref.WeakSet[OperationRecorder] = weakref.WeakSet()


def begin_operation(project_dir: Path, record: OperationRecord) -> OperationRecorder:
    """Begin the record of a command (implements `core.ports.operations.OperationFactory`)."""
    from dataclasses import replace

    from dvt import __version__
    from dvt.runs.operation_recorder import begin

    recorder = begin(project_dir, replace(record, versions={"dvt": __version__, **record.versions}))
    _recorders.add(recorder)
    return recorder


def cancel_operations() -> None:
    """Put on record that what has not ended yet was cancelled: the process ends this moment."""
    from dvt.core.operation_record import Ending
    from dvt.core.status import Status

    for recorder in list(_recorders):
        recorder.end(Ending(status=Status.CANCELLED, exit_code=2))
