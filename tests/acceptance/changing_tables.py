"""Tables of servers that tests change, and runs that extract them incrementally."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dvt.core.extraction import Extraction, Incremental, Method, Strategy
from dvt.core.names import TableRef
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import RenamingPublisher, Workspace

HASH = Extraction(method=Method.INCREMENTAL, incremental=Incremental())
WATERMARK = Extraction(
    method=Method.INCREMENTAL,
    incremental=Incremental(strategy=Strategy.WATERMARK, watermark="changed", overlap=timedelta(seconds=10)),
)
COLUMNS = {
    "a": "varchar(40)",
    "b": "varchar(40)",
    "c": "varchar(40)",
    "n": "numeric(20,3)",
    "d": "double precision",
}
TEXTS = ("a", "b", "", "ab", "|", "a|b", "V1:a", "N", "'", '"', "\\\\", "ü", " ", "a ", None, None)
ROWS = "SELECT id, a, b, c, n, d, changed FROM {src.facts}"


class ServerWorkspace(Workspace):
    """A workspace with a server's output `src`, whose table `facts` the tests change."""

    server: Any

    @classmethod
    def of(cls, folder: Any, server: Any) -> ServerWorkspace:
        """Make a workspace in a folder, with an empty table on the server."""
        workspace = cls(folder)
        workspace.server = server
        workspace.outputs["src"] = server.settings()
        workspace.duckdb("wh")
        workspace.create()
        return workspace

    def ref(self, connection: str, table: str) -> TableRef:
        if connection == "src":
            return replace(self.server.table(table), connection="src")
        return super().ref(connection, table)

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.server.execute(*statements)
        return rows

    def create(self, key: str = "PRIMARY KEY (id)", order: tuple[str, ...] = tuple(COLUMNS)) -> None:
        columns = ", ".join(f"{name} {COLUMNS[name]}" for name in order)
        key = f", {key}" if key else ""
        engine = " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" if self.is_mariadb else ""
        self.execute(
            "DROP TABLE IF EXISTS facts CASCADE",
            f"CREATE TABLE facts (id bigint, {columns}, changed timestamp(6) NULL{key}){engine}",
        )

    @property
    def is_mariadb(self) -> bool:
        return bool(self.server.settings()["type"] == "mariadb")


def once(
    workspace: ServerWorkspace, extraction: Extraction = HASH, sql: str = ROWS, **context: Any
) -> tuple[list[tuple[Any, ...]], str]:
    """Run a model over the table; return its rows, and what the run says of the extraction."""
    FILES.close()
    with workspace.run(**context) as run:
        request = run.request("m", sql, "wh")
        inputs = {key: replace(read, extraction=extraction) for key, read in request.inputs.items()}
        run.federator.federate(replace(request, inputs=inputs), RenamingPublisher(run, "m"))
        (note,) = [moved.note for _, moved in run.reporter.movements if moved.what == "extract"]
        return run.rows("wh", "m"), note


def literal(value: object) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


class Writer:
    """Changes the table at random; every write moves the watermark forward."""

    def __init__(self, workspace: ServerWorkspace, seed: int) -> None:
        self.workspace = workspace
        self.random = random.Random(seed)
        self.clock = 0

    def moment(self) -> str:
        self.clock += 1
        return f"timestamp '2026-01-01 00:00:00' + interval '{self.clock}' second"

    def value(self, column: str) -> str:
        if column == "n":
            return literal(self.random.choice([None, 0, -1, "1.500", "12345678901234567.125"]))
        if column == "d":
            return literal(self.random.choice([None, 0, -1.5, 0.1, 1e300, 3.0000000000000004]))
        return literal(self.random.choice(TEXTS))

    def values(self) -> str:
        return ", ".join([*map(self.value, COLUMNS), self.moment()])

    def insert(self, count: int) -> list[str]:
        ids = self.random.sample(range(10_000), count)
        rows = ", ".join(f"({number}, {self.values()})" for number in ids)
        names = ", ".join(["id", *COLUMNS, "changed"])
        ignore = " ON CONFLICT DO NOTHING" if not self.workspace.is_mariadb else ""
        verb = "INSERT IGNORE" if self.workspace.is_mariadb else "INSERT"
        return [f"{verb} INTO facts ({names}) VALUES {rows}{ignore}"]

    def change(self) -> list[str]:
        """Return the statements of one change."""
        some = f"WHERE id % {self.random.randint(2, 40)} = 0"
        column, moment = self.random.choice(list(COLUMNS)), self.moment()
        changes = [
            self.insert(self.random.randint(1, 30)),
            [f"UPDATE facts SET {column} = {self.value(column)}, changed = {moment} {some}"],
            [f"DELETE FROM facts {some}"],
            [  # keys change
                f"UPDATE facts SET id = id + 20000, changed = {moment} {some} AND id < 10000",
                "DELETE FROM facts WHERE id >= 30000",
            ],
            [f"UPDATE facts SET a = b, b = c, c = NULL, changed = {moment} {some}"],
            ["DELETE FROM facts", *self.insert(self.random.randint(1, 60))],
            [],
        ]
        return self.random.choice(changes)

    def write(self) -> None:
        statements = self.change()
        with closing(self.workspace.server.owner()) as connection, connection.cursor() as cursor:
            cursor.execute("BEGIN")
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("COMMIT")


def as_in_the_table(workspace: ServerWorkspace) -> list[tuple[Any, ...]]:
    """Extract the table by a run that keeps nothing."""
    return once(workspace, Extraction())[0]


def fill(workspace: ServerWorkspace, rows: int = 3) -> None:
    values = ", ".join(f"({n}, 'a', NULL, 'b', {n}, timestamp '2026-01-01 00:00:00')" for n in range(rows))
    workspace.execute(f"INSERT INTO facts (id, a, b, c, n, changed) VALUES {values}")
