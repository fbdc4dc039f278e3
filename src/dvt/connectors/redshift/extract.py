"""Reads queries in one transaction: by UNLOAD through a bucket, or little by rows of the driver.

A transaction of Redshift sees the state of its first statement. All queries of one call run in one, one after
the other; the cluster runs each in parallel. It ends with the call: an open one holds locks on the tables
that it has read, which keep everybody from changing them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import duckdb

from dvt.connectors.redshift.estimates import expected_of
from dvt.connectors.redshift.server import CONSUMER, Server
from dvt.connectors.redshift.statements import unload
from dvt.connectors.redshift.under_way import interruptible
from dvt.core.errors import DvtError, QueryFailed
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.ports.transfers import TransferBucket
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.duckdb.staging import stage_batches, write_answer
from dvt.drivers.duckdb.transferred import check_types, transferred
from dvt.drivers.redshift import Session, answer_rows, as_dvt_errors, is_refused, relation


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
        check_types(query, is_refused)
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
        rows = answer_rows(session, sql, lambda: batch.stopped)
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
            rows = write_answer(cursor, transferred(query, place), job)
        if rows != int(expected):
            raise QueryFailed(name, doing, f"{rows} rows of {expected} arrived in bucket {bucket.name!r}")
        return job.sink.commit(query.staged, rows)
