"""Begins runs in the project's `.dvt` folder: the run's record, and what dead runs left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvt.core.keeping import Keeping
    from dvt.core.ports.staging import Bucket
    from dvt.core.reports import Notice
    from dvt.federation.leftovers import Leftovers
    from dvt.runs.operations import Operation


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has begun: its record is written, and nothing is staged yet."""

    operation: Operation
    leftovers: Leftovers

    def abandon(self) -> None:
        """End a run that could not start."""
        self.operation.close()


def begin_run(
    project_dir: Path,
    notice: Callable[[Notice], None],
    *,
    bucket_at: Callable[[str], tuple[Bucket, Keeping] | None],
    spill: Sequence[Path],
) -> Run:
    """Begin a run, and remove what dead runs left.

    Args:
        project_dir: the project, which has the records of runs.
        notice: receives warnings of what cannot be removed.
        bucket_at: returns the project's bucket of an address, and how long data stays there, if it has one.
        spill: the folders outside of `.dvt` that the run may write to: its record lists them.
    """
    from dvt.drivers.disk import own_folder
    from dvt.federation.leftovers import Leftovers
    from dvt.runs import operations

    folder = own_folder(project_dir / ".dvt")
    leftovers = Leftovers(list(operations.dead(folder / "operations")), bucket_at, notice)
    return Run(operations.begin(folder / "operations", spill=spill), leftovers)
