"""Reads queries side by side, as of one moment: by EXPORT DATA through a bucket, or by rows of the client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from dvt.connectors.bigquery.server import CONSUMER, STORAGE, Server
from dvt.connectors.bigquery.statements import NOW, as_of, export, with_wide_numbers
from dvt.core.errors import QueryFailed
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.ports.transfers import TransferBucket
from dvt.core.queries import SourceQuery
from dvt.drivers.bigquery import Session, as_dvt_errors, is_refused, relation
from dvt.drivers.bigquery.connect import Job as BigQueryJob
from dvt.drivers.bigquery.rows import answer_rows
from dvt.drivers.duckdb.staging import stage_batches, write_answer
from dvt.drivers.duckdb.transferred import check_types, transferred
from dvt.drivers.side_by_side import Extraction, extract_side_by_side

_FromItems = Callable[[Session, Sequence[TableRef], frozenset[TableRef]], list[str]]


class BigQuerySnapshot:
    """Implements Snapshot: tables are read as of the moment at which the first query is sent."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._moment = ""

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        reader = _Reader(self._server, self._tables)
        extract_side_by_side(self._server.running, jobs, finished, reader.extract)

    def _tables(self, session: Session, tables: Sequence[TableRef], past: frozenset[TableRef]) -> list[str]:
        """Return the FROM items of tables; those that have a `past` are read as of one moment."""
        names = [relation(table, session.project, self._server.settings.dataset) for table in tables]
        if not past:
            return names
        with self._lock:
            if not self._moment:
                self._moment = str(session.value(NOW))
        return [
            as_of(name, self._moment) if table in past else name
            for table, name in zip(tables, names, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Sent:
    """A statement that is sent for a job."""

    job: Job
    extraction: Extraction
    session: Session
    sql: str


class _Reader:
    """Extracts jobs, each on the thread that asks for it."""

    def __init__(self, server: Server, tables: _FromItems) -> None:
        self._server = server
        self._tables = tables

    def extract(self, job: Job, extraction: Extraction) -> Dataset:
        """Extract one job."""
        check_types(job.query, is_refused)
        with closing(self._server.duckdb.cursor()) as cursor:
            return self._stage(cursor, job, extraction)

    def _stage(self, cursor: Any, job: Job, extraction: Extraction) -> Dataset:
        query = job.query
        route, bucket = self._server.read_route(query)
        streams = self._server.limit if route.by == STORAGE else 0
        has_past = self._server.settings.time_travel
        past = self._server.with_history(query.tables) if has_past else frozenset()
        about = as_dvt_errors(name=self._server.name, doing=_doing(query), where=query.about)
        with self._server.session() as session, about:
            where = tuple(map(with_wide_numbers, query.where))
            sql = replace(query, where=where).sql(self._tables(session, query.tables, past))
            if bucket is not None:
                return self._export(_Sent(job, extraction, session, sql), cursor, bucket)
            name = self._server.name
            with (
                self._begun(_Sent(job, extraction, session, sql)) as begun,
                answer_rows(
                    session, begun, lambda: extraction.is_stopped, name=name, streams=streams
                ) as answer,
            ):
                try:
                    return stage_batches(cursor, job, answer.reader)
                except duckdb.Error as error:
                    raise answer.error or error from None

    def _export(self, sent: _Sent, cursor: Any, bucket: TransferBucket) -> Dataset:
        job, query, doing = sent.job, sent.job.query, _doing(sent.job.query)
        with bucket.place() as place:
            with (
                place.bucket.writing(CONSUMER, f"{place.prefix}/rows") as uri,
                self._begun(replace(sent, sql=export(sent.sql, uri)), retried=False) as begun,
            ):
                sent.session.wait(begun)
            expected = begun.statistics("query", "exportDataStatistics", "rowCount")
            with self._server.running.query(sent.extraction.batch, cursor.interrupt, doing):
                rows = write_answer(cursor, transferred(query, place), job)
        if expected is None or rows != expected:
            problem = f"{rows} rows of {expected} arrived in bucket {bucket.name!r}"
            raise QueryFailed(self._server.name, doing, problem)
        return job.sink.commit(query.staged, rows)

    @contextmanager
    def _begun(self, sent: _Sent, *, retried: bool = True) -> Iterator[BigQueryJob]:
        """Run a statement for as long as the `with` lasts."""
        doing, about = _doing(sent.job.query), sent.job.query.about
        extraction = sent.extraction
        extraction.check(doing)
        begun = sent.session.begin(sent.sql, retried=retried)
        with (
            self._server.under_way(extraction.batch, begun, doing),
            extraction.stopping(begun.cancel, doing),
            as_dvt_errors(name=self._server.name, doing=doing, where=about),
        ):
            yield begun


def _doing(query: SourceQuery) -> str:
    return f"extracting {query.about}"
