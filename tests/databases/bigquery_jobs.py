"""Jobs of the stand-in: queries, exports to a bucket, loads from one."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
from sqlglot import exp

from tests.databases.bigquery_sql import (
    PROJECT,
    Field,
    Refused,
    answered_field,
    duckdb_sql,
    duckdb_type,
    parsed,
    quoted,
)
from tests.databases.bigquery_tables import Tables

ANSWERS = "_answers"
"""The dataset in which answers are, as the API names them."""
FILE_ROWS = 40_000
"""Rows of one exported file."""
PAGE_ROWS = 20_000
"""Rows of one page of an answer."""
_TEXTS = {
    "FLOAT64": "CASE WHEN isnan({0}) THEN 'NaN' ELSE replace(CAST({0} AS VARCHAR), 'inf', 'Infinity') END",
    "BYTES": "to_base64({0})",
    "TIMESTAMP": "CAST(epoch_us({0}) AS VARCHAR)",
    "DATETIME": "replace(CAST({0} AS VARCHAR), ' ', 'T')",
}
"""Type → DuckDB SQL of a value as the API writes it; the others: their text."""
_PAIRS = {
    "INT64": ("BIGINT", "INTEGER"), "FLOAT64": ("DOUBLE", "FLOAT"), "BOOL": ("BOOLEAN",),
    "STRING": ("VARCHAR",), "BYTES": ("BLOB",), "DATE": ("DATE",), "TIME": ("TIME",),
    "DATETIME": ("TIMESTAMP",), "TIMESTAMP": ("TIMESTAMP WITH TIME ZONE",),
}  # fmt: skip
"""Type of a column → types of a file's column that go with it, as the documentation pairs them."""
_SLEEP = re.compile(r"`shop`\.`sleeping`\((\d+)\)")
"""Matches a call of the function that sleeps."""
_YEARS = "{0} IS NULL OR (isfinite({0}) AND year({0}) BETWEEN 1 AND 9999)"


@dataclass
class Job:
    """A job, as it was asked for."""

    id: str
    configuration: dict[str, Any]
    statistics: dict[str, Any] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)
    failure: Refused | None = None
    schema: list[Field] | None = None
    rows: int = 0
    cursor: Any = None
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def cancelled(self) -> bool:
        """Whether it was stopped."""
        return self.stopped.is_set()

    @property
    def text(self) -> str:
        """Its statement; empty for a load."""
        return str(self.configuration.get("query", {}).get("query", ""))

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self.done.is_set()


class Jobs:
    """All jobs, each of which runs on a thread of its own."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.all: dict[str, Job] = {}
        self.endpoint = ""
        """Of the store in which buckets are."""
        self.answers = threading.Event()
        """While it is not set, an export that has written its files does not end."""
        self.answers.set()
        self.loads = threading.Event()
        """While it is not set, no load begins."""
        self.loads.set()
        self.lacks = ""
        """The permission that the user lacks; empty: none."""
        self.loses_files = False
        """Whether an export leaves out its last file, as if somebody had deleted it."""
        self.folder = Path(tempfile.mkdtemp(prefix="dvt-bigquery-"))

    def begin(self, id_: str, configuration: dict[str, Any], uploaded: bytes | None = None) -> Job:
        """Begin a job; refuse an id that there has been."""
        if id_ in self.all:
            raise Refused(f"Already Exists: Job {id_}", "duplicate")
        if self.lacks == "bigquery.jobs.create":
            message = f"User does not have {self.lacks} permission in project {PROJECT}."
            raise Refused(f"Access Denied: Project {PROJECT}: {message}", "accessDenied")
        job = self.all[id_] = Job(id_, configuration)
        threading.Thread(target=self._run, args=(job, uploaded), daemon=True).start()
        return job

    def cancel(self, job: Job) -> None:
        """Stop a job."""
        job.stopped.set()
        while job.running:
            if job.cursor is not None:
                job.cursor.interrupt()
            time.sleep(0.02)

    def processed(self, sql: str) -> int:
        """Return the bytes that a query would read: the columns it names, of partitions with rows for it."""
        tree = parsed(sql)
        names = {column.name.lower() for column in tree.find_all(exp.Column)}
        with self.tables.database.cursor() as cursor:
            checked = duckdb_sql(tree.copy(), self.tables.relation)
            try:
                cursor.execute(f"EXPLAIN {checked}")
            except duckdb.Error as error:
                raise Refused(str(error).splitlines()[0]) from error
            read = 0
            for node in tree.find_all(exp.Table):
                table = self.tables.found((node.catalog or PROJECT, node.db, node.name))
                where = tree.args.get("where")
                pruned = table.partitioned and where
                left = (
                    f"SELECT {table.partitioned} FROM {table.name} {where.sql(dialect='duckdb')}"
                    if pruned
                    else ""
                )
                read += table.size(cursor, names, left)
            return read

    def page(self, job: Job, begin: int, most: int) -> list[dict[str, Any]]:
        """Return rows of an answer, as the API writes them."""
        texts = ", ".join(
            _TEXTS.get(column["type"], "CAST({0} AS VARCHAR)").format(quoted(f"c{place}"))
            for place, column in enumerate(job.schema or [])
        )
        with self.tables.database.cursor() as cursor:
            table = f"answers.{quoted(job.id)}"
            rows = cursor.execute(f"SELECT {texts} FROM {table} LIMIT {most} OFFSET {begin}").fetchall()
        return [{"f": [{"v": value} for value in row]} for row in rows]

    def _run(self, job: Job, uploaded: bytes | None) -> None:
        try:
            with self.tables.database.cursor() as cursor:
                job.cursor = cursor
                cursor.execute("SET TimeZone = 'UTC'")
                if "load" in job.configuration:
                    self._load(job, cursor, job.configuration["load"], uploaded)
                else:
                    self._query(job, cursor)
        except Refused as error:
            job.failure = error
        except duckdb.InterruptException:
            job.failure = Refused("Job execution was cancelled: User requested cancellation", "stopped")
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets it as the server's
            job.failure = Refused(str(error).splitlines()[0])
        if job.cancelled:
            job.failure = Refused("Job execution was cancelled: User requested cancellation", "stopped")
        job.cursor = None
        job.done.set()

    def _query(self, job: Job, cursor: Any) -> None:
        asked = job.configuration["query"]
        if asked.get("useLegacySql") is not False:
            raise Refused("legacy SQL is not what was meant")
        if sleep := _SLEEP.search(job.text):
            job.stopped.wait(int(sleep[1]))
        if job.cancelled:
            return
        tree = parsed(_SLEEP.sub("0", job.text))
        if isinstance(tree, exp.Export):
            self._export(job, cursor, tree)
        elif isinstance(tree, exp.Query):
            sql = duckdb_sql(tree, self.tables.relation)
            job.schema = self._described(cursor, sql)
            names = ", ".join(f"c{place}" for place in range(len(job.schema)))
            name = f"answers.{quoted(job.id)}"
            cursor.execute(f"CREATE TABLE {name} AS SELECT * FROM ({sql}) AS q({names})")
            (job.rows,) = cursor.execute(f"SELECT count(*) FROM {name}").fetchone()
            job.statistics["query"] = {"statementType": "SELECT", "totalBytesProcessed": "0"}
        else:
            self.tables.execute(job.text, cursor)

    def _described(self, cursor: Any, sql: str) -> list[Field]:
        found = cursor.execute(f"DESCRIBE SELECT * FROM ({sql}) AS q").fetchall()
        names = [name for name, *_ in found]
        if len({name.lower() for name in names}) < len(names):
            raise Refused("Duplicate column names in the result are not supported.")
        return [answered_field(name, type_) for name, type_, *_ in found]

    def _export(self, job: Job, cursor: Any, tree: exp.Export) -> None:
        given = tree.args["options"].expressions
        options = {one.name.lower(): one.args["value"] for one in given if "value" in one.args}
        kinds = [one.name for one in given if isinstance(one, exp.FileFormatProperty)]
        uri = options["uri"].name
        if kinds != ["PARQUET"] or uri.count("*") != 1 or not uri.startswith("gs://"):
            raise Refused("EXPORT DATA takes format PARQUET here, and a uri with one wildcard")
        if self.lacks.startswith("storage."):
            message = f"Permission denied while globbing file pattern. User does not have {self.lacks} access"
            raise Refused(f"Access Denied: BigQuery BigQuery: {message}", "accessDenied")
        place = urlsplit(uri)
        bucket, prefix = self._store().bucket(place.netloc), place.path.lstrip("/").partition("*")[0]
        if next(iter(bucket.list_blobs(prefix=prefix, max_results=1)), None) is not None:
            raise Refused(f"Option 'overwrite' is false and destination URI is not empty: {uri}", "invalid")
        sql = duckdb_sql(tree.this, self.tables.relation)
        for column in self._described(cursor, sql):
            if column["type"] in {"INTERVAL", "BIGNUMERIC"} or column.get("mode") == "REPEATED":
                raise Refused(f"column {column['name']} of type {column['type']} is not what dvt exports")
        (rows,) = cursor.execute(f"CREATE TEMP TABLE exported AS {sql}").fetchone() or (0,)
        deletes = []
        for number, begin in enumerate(range(0, max(rows, 1), FILE_ROWS)):
            file = self.folder / f"{job.id}-{number}.parquet"
            part = f"SELECT * FROM exported LIMIT {FILE_ROWS} OFFSET {begin}"
            cursor.execute(f"COPY ({part}) TO '{file}' (FORMAT parquet)")
            blob = bucket.blob(f"{prefix}{number:012}{place.path.partition('*')[2]}")
            blob.upload_from_filename(str(file))
            deletes.append(blob.delete)
            file.unlink()
        if self.loses_files:
            deletes[-1]()
        self.answers.wait()
        counts = {"fileCount": str(len(deletes)), "rowCount": str(rows)}
        job.statistics["query"] = {"statementType": "EXPORT_DATA", "exportDataStatistics": counts}

    def _load(self, job: Job, cursor: Any, asked: dict[str, Any], uploaded: bytes | None) -> None:
        if asked.get("sourceFormat") != "PARQUET":
            raise Refused("this stand-in loads Parquet alone", "invalid")
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            self.loads.wait()
            self._fetch(Path(folder), asked, uploaded)
            source = f"read_parquet('{folder}/*.parquet', union_by_name=false)"
            key = self.tables.key(asked["destinationTable"])
            table = self.tables.found(key)
            if asked.get("writeDisposition") == "WRITE_EMPTY" and table.count(cursor):
                raise Refused(f"Already Exists: Table {'.'.join(key)}", "duplicate")
            file = {name: type_ for name, type_, *_ in cursor.execute(f"DESCRIBE FROM {source}").fetchall()}
            self._check(cursor, source, file, table.fields)
            names = ", ".join(map(quoted, file))
            values = ", ".join(
                f"CAST({quoted(name)} AS {duckdb_type(self._of(table.fields, name))})" for name in file
            )
            sql = f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {source}"
            (rows,) = cursor.execute(sql).fetchone()
        job.statistics["load"] = {"outputRows": str(rows), "inputFiles": "1"}

    def _of(self, fields: list[Field], name: str) -> Field:
        for column in fields:
            if column["name"].lower() == name.lower():
                return column
        raise Refused(f"Provided Schema does not match: cannot add field {name}", "invalid")

    def _fetch(self, folder: Path, asked: dict[str, Any], uploaded: bytes | None) -> None:
        if uploaded is not None:
            (folder / "0.parquet").write_bytes(uploaded)
            return
        number = 0
        for uri in asked["sourceUris"]:
            place = urlsplit(uri)
            prefix, _, end = place.path.lstrip("/").partition("*")
            for blob in self._store().list_blobs(place.netloc, prefix=prefix):
                if blob.name.endswith(end):
                    blob.download_to_filename(str(folder / f"{number:06}.parquet"))
                    number += 1
        if not number:
            raise Refused(f"Not found: URI {asked['sourceUris']}", "notFound")

    def _check(self, cursor: Any, source: str, file: dict[str, str], fields: list[Field]) -> None:
        for name, type_ in file.items():
            column = self._of(fields, name)
            decimals = column["type"] in {"NUMERIC", "BIGNUMERIC"} and type_.startswith("DECIMAL")
            if not decimals and type_ not in _PAIRS.get(column["type"], ()):
                raise Refused(f"Field {name} has incompatible types: {column['type']}, {type_}", "invalid")
            tests = {
                "Required field {} cannot be null": "{0} IS NOT NULL"
                if column.get("mode") == "REQUIRED"
                else "",
                "Invalid date or time value in {}: out of range": (
                    _YEARS if column["type"] in {"DATE", "DATETIME", "TIMESTAMP"} else ""
                ),
                "Field {}: value exceeds maximum length": (
                    f"{{0}} IS NULL OR length({{0}}) <= {column['maxLength']}"
                    if "maxLength" in column
                    else ""
                ),
            }
            for problem, test in tests.items():
                where = test.format(quoted(name))
                if where and cursor.execute(f"SELECT 1 FROM {source} WHERE NOT ({where}) LIMIT 1").fetchone():
                    raise Refused(problem.format(name), "invalid")

    def _store(self) -> Any:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        options = {"api_endpoint": self.endpoint}
        return storage.Client("tests", credentials=AnonymousCredentials(), client_options=options)
