"""Reads queries in one transaction: by UNLOAD through a bucket, or little by rows of the driver.

A transaction of Redshift sees the state of its first statement. All queries of one call run in one, one after
the other; the cluster runs each in parallel. It ends with the call: an open one holds locks on the tables
that it has read, which keep everybody from changing them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import duckdb

from dvt.connectors.redshift.estimates import expected_of
from dvt.connectors.redshift.server import CONSUMER, Server
from dvt.connectors.redshift.statements import unload
from dvt.connectors.redshift.under_way import interruptible
from dvt.core.errors import DvtError, QueryFailed, ValueLost
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset, Location
from dvt.core.ports.transfers import TransferBucket
from dvt.core.queries import SourceQuery
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.duckdb.sql import listed, unpacked
from dvt.drivers.duckdb.staging import CONSUMER as DUCKDB
from dvt.drivers.duckdb.staging import stage_batches, write_answer
from dvt.drivers.redshift import AnswerRows, Session, as_dvt_errors, is_refused, relation

_DOWNLOADS = 4
"""Files that are fetched from the bucket at once."""


class RedshiftSnapshot:
    """Implements Snapshot: one call of `extract` reads one state of the data."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        left = list(jobs)
        try:
            if left:
                with (
                    self._server.running.batch() as batch,
                    self._server.session() as session,
                    closing(self._server.duckdb.cursor()) as cursor,
                ):
                    with as_dvt_errors(name=self._server.name, doing="beginning to read"):
                        session.run("BEGIN ISOLATION LEVEL SERIALIZABLE")
                    while left:
                        dataset = self._extract(cursor, session, left[0], batch)
                        finished(left.pop(0), dataset)
        finally:
            for job in left:
                with suppress(DvtError, OSError):
                    job.sink.discard()

    def _extract(self, cursor: Any, session: Session, job: Job, batch: Batch) -> Dataset:
        query = job.query
        doing = f"extracting {query.about}"
        _check_types(query)
        with (
            interruptible(self._server, batch, session, cursor, doing),
            as_dvt_errors(name=self._server.name, doing=doing, where=query.about),
        ):
            return self._stage(cursor, session, job, batch)

    def _stage(self, cursor: Any, session: Session, job: Job, batch: Batch) -> Dataset:
        query = job.query
        schema = self._server.settings.schema_
        sql = query.sql([relation(table, schema) for table in query.tables])
        if query.rows is None and (estimate := expected_of(session, sql)) is not None:
            query = replace(query, rows=estimate.rows, bytes=estimate.bytes)
        _, bucket = self._server.route("UNLOAD", query.rows, query.bytes, query.bucket)
        if bucket is not None:
            return self._unload(cursor, session, job, sql, bucket)
        rows = AnswerRows(session, sql, lambda: batch.stopped)
        try:
            return stage_batches(cursor, job, rows.reader)
        except duckdb.Error as error:
            raise rows.error or error from None

    def _unload(self, cursor: Any, session: Session, job: Job, sql: str, bucket: TransferBucket) -> Dataset:
        query, name = job.query, self._server.name
        access = bucket.access()
        with bucket.place() as place:
            doing = f"unloading {query.about}"
            with (
                place.bucket.writing(CONSUMER, f"{place.prefix}/rows") as uri,
                as_dvt_errors(name=name, doing=doing, where=query.about, secrets=access.secrets),
            ):
                session.run(unload(sql, f"{uri}/", access, self._server.settings.iam_role))
                ((expected,),) = session.rows("SELECT pg_last_unload_count()")
            files = _fetched(place)
            source = f"read_parquet({listed(files)}, hive_partitioning=false)"
            answer = unpacked(query.columns, source) if files else _no_rows(query)
            rows = write_answer(cursor, answer, job)
        if rows != int(expected):
            raise QueryFailed(name, doing, f"{rows} rows of {expected} arrived in bucket {bucket.name!r}")
        return job.sink.commit(query.staged, rows)


def _check_types(query: SourceQuery) -> None:
    """Raise ValueLost for a column of a type that cannot be staged."""
    for extracted in query.columns:
        if is_refused(extracted.column):
            where = f"{query.tables[extracted.table]}, column {extracted.column.name}"
            problem = f"a value of type {extracted.column.native} cannot be staged"
            raise ValueLost(where, problem, "read a view there that casts the column to text or to numbers")


def _fetched(place: Location) -> list[str]:
    """Return the paths of copies of a place's files on this machine, which are fetched side by side."""
    keys = [key for key, _ in place.bucket.list(place.prefix)]
    with ThreadPoolExecutor(_DOWNLOADS, thread_name_prefix="dvt-fetch") as pool:
        return list(pool.map(lambda key: place.bucket.uri_for(DUCKDB, key), keys))


def _no_rows(query: SourceQuery) -> str:
    """Return a SELECT without rows: UNLOAD may write no file for none."""
    nulls = ", ".join(f'CAST(NULL AS VARCHAR) AS "{extracted.name}"' for extracted in query.columns)
    return unpacked(query.columns, f"(SELECT {nulls} WHERE false)")
