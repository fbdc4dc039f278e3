"""Staged Parquet, written and read by DuckDB: the only place with COPY … TO and read_parquet for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Self

import duckdb

from dvt.core.compression import Compression
from dvt.core.errors import DvtError, StagingDamaged, StagingUnusable
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset, Parts
from dvt.core.surrogates import DELETED_FILE, DELETED_ROW
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, Kind, StageType
from dvt.drivers.duckdb.errors import as_dvt_errors, is_missing
from dvt.drivers.duckdb.sql import exact_path, listed, literal, quoted, unpacked

CONSUMER = "duckdb"
"""Name of DuckDB as a consumer of buckets."""

_WATCH_INTERVAL = 0.1
"""Seconds between two looks at how large the files are that are being written."""
COPY_OPTIONS = "FORMAT parquet, {}, PARQUET_VERSION {}, ROW_GROUP_SIZE 40960"
"""Options of COPY … TO, but for compression and version. For 1.8 M rows of lineitem on 2 cores, with snappy:
0.63 s of CPU and 48 MB; zstd level 1: 0.68 s and 41 MB, lz4: 0.69 s and 62 MB (all but the first without the
encodings of v2, which v1 lacks: slower and a third larger). Small groups of rows, which a third of DuckDB's
usual number are, take less memory to write and read: extracting TPC-H by three connections at once takes
100 MB instead of 180 MB."""
_REPEATED = frozenset({Kind.LIST, Kind.ARRAY, Kind.MAP})
"""Kinds whose texts DuckDB 1.5.5 cannot write in v2 if few of them are different."""
_SIGNED_ZEROS = frozenset({Kind.FLOAT, Kind.DOUBLE})
"""Kinds of which DuckDB 1.5.5 writes -0.0 as 0.0, or the other way round, if a dictionary has both. Without
dictionaries, which it has for all columns or for none, a table with many equal texts is 7 % larger."""
_BATCHES, _NO_LIMIT = "dvt_batches", 2**62


def write(
    cursor: Any, select: str, parts: Parts, columns: Sequence[StageColumn] = (), *, key: str = ""
) -> int:
    """Copy the answer of a SELECT into a new part; return the number of rows.

    `columns` are the answer's. `key` is that of the part, if the caller has
    asked for it already.
    """
    types = [column.type for column in columns]
    version = "v1" if any(_has(type_, _REPEATED) for type_ in types) else "v2"
    signed = any(_has(type_, _SIGNED_ZEROS) for type_ in types)
    with parts.location.bucket.writing(CONSUMER, key or parts.part()) as uri:
        options = COPY_OPTIONS.format(_compressed(parts.compression), version)
        options += ", DICTIONARY_SIZE_LIMIT 0" if signed else ""
        (rows,) = cursor.execute(f"COPY ({select}) TO {literal(uri)} ({options})").fetchone()
    return int(rows)


def _compressed(by: Compression) -> str:
    """Return the options of COPY … TO for a compression."""
    codec = "uncompressed" if by.codec == "none" else by.codec
    return f"COMPRESSION {codec}" + ("" if by.level is None else f", COMPRESSION_LEVEL {by.level}")


def _has(type_: StageType, kinds: frozenset[Kind]) -> bool:
    """True for a type of one of these kinds, or with parts of one."""
    return type_.kind in kinds or any(_has(part.type, kinds) for part in type_.parts)


def write_answer(cursor: Any, select: str, job: Job, *, key: str = "") -> int:
    """Copy the answer to a job, or a part of it, into a new part of its sink; return the number of rows.

    `key` is that of the part, if the caller has asked for it already. ExtractTooLarge ends it where the
    sink's limits do: after one row too many, or once the files are larger.
    """
    limits, query = job.sink.limits, job.query
    if limits.rows is not None:
        select = f"SELECT * FROM ({select}) LIMIT {limits.rows + 1}"
    with _Watch(cursor, job) as watch:
        try:
            rows = write(cursor, select, job.sink, query.staged, key=key)
        except duckdb.InterruptException:
            limits.check_moved(query, None, watch.bytes)
            raise
    limits.check_moved(query, job.sink.count(rows), watch.bytes)
    return rows


class _Watch:
    """Interrupts a cursor once the files of a job's sink are larger than its limits allow."""

    def __init__(self, cursor: Any, job: Job) -> None:
        self._cursor = cursor
        self._sink = job.sink
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="dvt-watch-size", daemon=True)
        self.bytes = 0
        """Bytes of the files, when they were last looked at."""

    def __enter__(self) -> Self:
        if self._sink.limits.bytes is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._sink.limits.bytes is not None:
            self._thread.join()
            self._look()

    def _watch(self) -> None:
        while not self._done.wait(_WATCH_INTERVAL):
            self._look()
            if self._sink.limits.broken_by(0, self.bytes):
                self._cursor.interrupt()

    def _look(self) -> None:
        at = self._sink.location
        self.bytes = sum(size for _, size in at.bucket.list(at.prefix))


def scan(dataset: Dataset) -> str:
    """Return a SELECT of a dataset's rows in their stage types, some of which Parquet cannot name."""
    return _scan(dataset)


def scan_with_positions(dataset: Dataset) -> str:
    """Return a SELECT of a dataset's rows, each with its position, as `Dataset.deletes` has it."""
    return _scan(
        dataset, f", CAST(r.file_index AS BIGINT) AS {DELETED_FILE}, r.file_row_number AS {DELETED_ROW}"
    )


def scan_in_order(dataset: Dataset) -> str:
    """Return a SELECT of the rows of a dataset of one file, in the order in which they were written."""
    if not dataset.keys:
        return _scan(dataset)
    # Asked for by the option, a column of the dataset's own with that name is an error, and no order.
    rows = _scan(dataset).replace("hive_partitioning=false", "hive_partitioning=false, file_row_number=true")
    return f"{rows} ORDER BY file_row_number"


def _scan(dataset: Dataset, position: str = "") -> str:
    if not dataset.keys:
        columns = [*dataset.columns]
        if position:
            columns += [StageColumn(name, BIGINT) for name in (DELETED_FILE, DELETED_ROW)]
        nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {quoted(column.name)}" for column in columns)
        return f"SELECT {nulls} WHERE false"
    values = ", ".join(
        f"CAST({quoted(column.name)} AS {column.type}) AS {quoted(column.name)}" for column in dataset.columns
    )
    rows = f"SELECT {values}{position} FROM read_parquet({_files(dataset)}, hive_partitioning=false) AS r"
    if not dataset.deletes:
        return rows
    deleted = f"d.{DELETED_FILE} = r.file_index AND d.{DELETED_ROW} = r.file_row_number"
    return f"{rows} ANTI JOIN {_deletes(dataset)} AS d ON {deleted}"


def deleted_positions(dataset: Dataset) -> str:
    """Return a SELECT of the positions of a dataset's deleted rows, of which there are some."""
    return f"SELECT {DELETED_FILE}, {DELETED_ROW} FROM {_deletes(dataset)}"


def check(cursor: Any, name: str, dataset: Dataset) -> None:
    """Raise StagingDamaged if the files' footers give another number of rows than was committed.

    A file that is gone has no rows.
    """
    if not dataset.keys:
        return
    try:
        rows = rows_by_footers(cursor, dataset)
    except (duckdb.IOException, FileNotFoundError) as error:
        if not is_missing(error):
            raise
        raise StagingDamaged(f"table {name}", dataset.rows, 0) from error
    if rows != dataset.rows:
        raise StagingDamaged(f"table {name}", dataset.rows, rows)


def rows_by_footers(cursor: Any, dataset: Dataset) -> int:
    """Return the number of a dataset's rows, of which there are files."""
    count = f"SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata({_files(dataset)})"
    (rows,) = cursor.execute(count).fetchone()
    if dataset.deletes:
        (deleted,) = cursor.execute(f"SELECT count(*) FROM {_deletes(dataset)}").fetchone()
        rows -= deleted
    return int(rows)


def stage(cursor: Any, job: Job, source: str) -> Dataset:
    """Copy `source`, a FROM item with the job's columns, into a part of its sink, and commit that."""
    rows = write_answer(cursor, unpacked(job.query.columns, source), job)
    return job.sink.commit(job.query.staged, rows)


def stage_batches(cursor: Any, job: Job, reader: Any) -> Dataset:
    """Copy the batches of an Arrow reader, whose columns are the job's, into a part, and commit that."""
    return job.sink.commit(job.query.staged, write_batches(cursor, job, reader))


def write_batches(cursor: Any, job: Job, reader: Any, *, key: str = "") -> int:
    """Copy the batches of an Arrow reader, whose columns are the job's, into a part; return how many rows.

    `key` is that of the part, if the caller has asked for it already. DuckDB reads on only as it writes.
    Given the reader itself instead of its stream, it has PyArrow read ten thousand batches ahead; and without
    the limit, one of its threads reads on while another one writes.
    """
    cursor.register(_BATCHES, reader.__arrow_c_stream__())
    source = f"(SELECT * FROM {_BATCHES} LIMIT {_NO_LIMIT})"
    return write_answer(cursor, unpacked(job.query.columns, source), job, key=key)


def stage_all(
    jobs: Sequence[Job],
    finished: Callable[[Job, Dataset], None],
    begin: Callable[[str], AbstractContextManager[None]],
    stage_job: Callable[[Job], Dataset],
) -> None:
    """Stage jobs one after the other; a job that failed or was not reached leaves nothing in its sink.

    `begin` is entered around each job with a description of it, so that the job can be stopped.
    """
    left = list(jobs)
    try:
        while left:
            job = left[0]
            query = job.query
            doing = f"reading {query.about}"
            with as_dvt_errors(connection=query.connection, doing=doing, where=query.about), begin(doing):
                dataset = stage_job(job)
            left.pop(0)
            finished(job, dataset)
    finally:
        for job in left:
            with suppress(DvtError, OSError):
                job.sink.discard()


def _files(dataset: Dataset) -> str:
    return listed([_exactly(dataset.at.bucket.uri_for(CONSUMER, key)) for key in dataset.keys])


def _deletes(dataset: Dataset) -> str:
    uri = _exactly(dataset.at.bucket.uri_for(CONSUMER, dataset.deletes))
    return f"read_parquet({literal(uri)}, hive_partitioning=false)"


def _exactly(uri: str) -> str:
    try:
        return exact_path(uri)
    except ValueError as error:
        raise StagingUnusable(uri, "DuckDB reads no path with a backslash and one of * ? [") from error
