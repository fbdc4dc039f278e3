"""The interface between what runs a command and what puts it on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from dvt.core.operation_record import Ending, Failure, NodeRecord, OperationRecord
from dvt.core.reports import Moved


class OperationRecorder(Protocol):
    """Puts on record what becomes of one command. Thread-safe; no method waits for a disk, none raises."""

    def describe(self, *, project: str, profile: str = "", target: str = "") -> None:
        """Note what dbt has read; empty: it is as it was."""

    def runs_as(self, run: str) -> None:
        """Note the id of the run that moves data."""

    def expects(self, nodes: Sequence[NodeRecord]) -> None:
        """Note which nodes are to run."""

    def began(self, node: str) -> None:
        """Note that a node, or one of its batches, has begun."""

    def is_computed(self, node: str, place: str) -> None:
        """Note where a federated node is computed."""

    def moved(self, node: str, moved: Moved) -> None:
        """Note that a node is done with a stage."""

    def ended(self, node: str, status: str, *, rows: int | None, error: Failure | None) -> None:
        """Note that a node, or one of its batches, has ended."""

    def end(self, ending: Ending) -> None:
        """Note the end of the command, and wait a few seconds at most until that is on the disk."""


class NotRecorded:
    """Implements `OperationRecorder` for what is not put on record."""

    def describe(self, *, project: str, profile: str = "", target: str = "") -> None:
        """Do nothing."""

    def runs_as(self, run: str) -> None:
        """Do nothing."""

    def expects(self, nodes: Sequence[NodeRecord]) -> None:
        """Do nothing."""

    def began(self, node: str) -> None:
        """Do nothing."""

    def is_computed(self, node: str, place: str) -> None:
        """Do nothing."""

    def moved(self, node: str, moved: Moved) -> None:
        """Do nothing."""

    def ended(self, node: str, status: str, *, rows: int | None, error: Failure | None) -> None:
        """Do nothing."""

    def end(self, ending: Ending) -> None:
        """Do nothing."""


OperationFactory = Callable[[Path, OperationRecord], OperationRecorder]
"""Begins the record of a command in a project's folder. `app` gives one to the bridge."""
