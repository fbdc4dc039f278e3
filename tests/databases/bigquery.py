"""The stand-in for BigQuery: its API over HTTP, computed by DuckDB. The service itself was never asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dvt.core.names import TableRef
from dvt.testing.databases import ServerDatabase, TargetDatabase
from tests.databases.bigquery_api import Api
from tests.databases.bigquery_jobs import Jobs
from tests.databases.bigquery_sql import PROJECT
from tests.databases.bigquery_tables import Key, Tables

TOKEN = "ya29.pl4nted-t0ken"


@dataclass
class BigQuery(TargetDatabase, ServerDatabase):
    """A server that runs."""

    api: Api
    name: str = "bigquery"
    schema: str = "shop"
    secrets: Sequence[str] = (TOKEN, "pl4nted-s3cret")
    impossible_names: Sequence[str] = (
        *("ünï😀", "dollar$", 'quo"te', "back\\slash", "per%cent", "br{0}ace"),
        *("or{1}ders", "cust%s omers {0}"),
    )
    """Of tables or of columns."""
    integer_type: str = "INT64"
    text_type: str = "STRING"

    @property
    def jobs(self) -> Jobs:
        """All its jobs."""
        return self.api.jobs

    @property
    def statements(self) -> list[str]:
        """Return the queries of all jobs, as they came."""
        return [job.text for job in self.jobs.all.values() if job.text]

    def settings(self, **more: Any) -> dict[str, Any]:
        """See Database."""
        return {
            "type": "bigquery",
            "method": "oauth-secrets",
            "token": TOKEN,
            "project": PROJECT,
            "dataset": "shop",
            "location": "EU",
            "api_endpoint": self.api.endpoint,
            "threads": 2,
        } | more

    def table(self, identifier: str) -> TableRef:
        """See Database."""
        return TableRef(connection=self.name, database=PROJECT, schema=self.schema, identifier=identifier)

    def name_of(self, column: str) -> str:
        """See Database."""
        return f"`{column}`"

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """See Database."""
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            with self.jobs.tables.database.cursor() as cursor:
                cursor.execute("SET TimeZone = 'UTC'")
                rows = self.jobs.tables.execute(statement, cursor)
        return rows

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        fields = [
            {"name": "n", "type": "INT64", "mode": "NULLABLE"},
            {"name": "word", "type": "STRING", "mode": "NULLABLE"},
        ]
        word = "lpad(i::VARCHAR, 48, '0') || lpad((i * 7919)::VARCHAR, 48, '0')"
        self.jobs.tables.fill(_key(ref), fields, f"SELECT i, {word} FROM range(1, {rows + 1}) r(i)")

    def sleeping(self, seconds: int) -> str:
        """See Database. It is a function of the tests' dataset."""
        return f"`shop`.`sleeping`({seconds})"

    def running(self) -> list[str]:
        """See ServerDatabase. Of a load, it is its name."""
        return [job.text or job.id for job in list(self.jobs.all.values()) if job.running]

    def connections(self) -> int:
        """See ServerDatabase."""
        return len(self.api.open)

    def cut(self) -> None:
        """See ServerDatabase."""
        self.api.cut()

    def type_of(self, ref: TableRef, column: str) -> str:
        """See TargetDatabase."""
        (found,) = (one for one in self.jobs.tables.found(_key(ref)).fields if one["name"] == column)
        sizes = [str(found[key]) for key in ("precision", "scale") if found.get(key) is not None]
        return f"{found['type']}({','.join(sizes)})" if sizes else str(found["type"])

    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """See TargetDatabase."""
        with self.jobs.tables.database.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            name = self.jobs.tables.found(_key(ref)).name
            return list(cursor.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {name}").fetchall())


def _key(ref: TableRef) -> Key:
    return ref.database or PROJECT, ref.schema or "shop", ref.identifier


@contextmanager
def bigquery() -> Iterator[BigQuery]:
    """Run a new server; remove what it has at the end."""
    tables = Tables()
    tables.create_dataset("shop")
    jobs = Jobs(tables)
    api = Api(jobs, TOKEN)
    try:
        yield BigQuery(api)
    finally:
        api.shutdown()
        api.server_close()
        tables.database.close()
        shutil.rmtree(jobs.folder, ignore_errors=True)
