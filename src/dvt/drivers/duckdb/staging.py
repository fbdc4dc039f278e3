"""Answers of DuckDB queries as staged datasets: one COPY each, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

from dvt.core.errors import DvtError
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.drivers.duckdb.errors import translated
from dvt.drivers.duckdb.sql import literal, unpacked


def stage(cursor: Any, job: Job, source: str, part: str = "") -> Dataset:
    """Copy `source`, a FROM item with the job's columns, into a part of its sink, and commit that."""
    columns = job.query.columns
    part = part or job.sink.part()
    copied = cursor.execute(
        f"COPY ({unpacked(columns, source)}) TO {literal(part)} ({job.sink.copy_options()})"
    ).fetchone()
    return job.sink.commit(job.query.staged, int(copied[0]))


def stage_all(
    jobs: Sequence[Job],
    finished: Callable[[Job, Dataset], None],
    begin: Callable[[str], AbstractContextManager[None]],
    one: Callable[[Job], Dataset],
) -> None:
    """Stage jobs one after the other; one that failed, or was not reached, leaves nothing in its sink.

    `begin` is entered around each with what is being done, so that it can be stopped.
    """
    left = list(jobs)
    try:
        while left:
            job = left[0]
            query = job.query
            doing = f"reading {query.about}"
            with translated(connection=query.connection, doing=doing, where=query.about), begin(doing):
                dataset = one(job)
            left.pop(0)
            finished(job, dataset)
    finally:
        for job in left:
            with suppress(DvtError, OSError):
                job.sink.discard()
