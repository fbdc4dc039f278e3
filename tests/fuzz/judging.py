"""One query, computed natively on the dialect's database and by dvt across databases, and the verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import duckdb
import psycopg2
import pymysql

from dvt.core.errors import (
    AnswerUntyped,
    ComparingUnsupported,
    DvtError,
    NotFederable,
    PlaceImpossible,
    TranslationWrong,
    ValueLost,
)
from dvt.core.names import TableRef
from dvt.core.places import Place
from dvt.core.plan import Load
from dvt.core.requests import NodeRequest, Pushdown
from dvt.drivers.duckdb import FILES
from dvt.drivers.mysql import flavour_of
from tests.acceptance.federating import Run, Workspace
from tests.acceptance.live_dialect import comparable
from tests.fuzz.tables import TABLES

_REFUSALS = (AnswerUntyped, ComparingUnsupported, NotFederable, PlaceImpossible, TranslationWrong, ValueLost)
"""Errors that say what cannot be computed and the way out; among them decimals that only the engine finds too
large."""
_POSTGRES_FAMILIES = {
    16: "bool", 20: "int8", 21: "int2", 23: "int4", 700: "float4", 701: "float8", 1700: "numeric",
    25: "text", 1042: "text", 1043: "text", 705: "text", 18: "text", 19: "text",
    1082: "date", 1114: "timestamp", 1184: "timestamptz", 1186: "interval",
}  # fmt: skip
"""Type's oid → family: a computed text has no length."""
_MYSQL_FAMILIES = {
    0: "decimal", 246: "decimal", 4: "double", 5: "double",
    10: "date", 12: "datetime", 7: "datetime", 11: "time",
    1: "int", 2: "int", 3: "int", 8: "int", 9: "int", 13: "int",
}  # fmt: skip
"""The protocol's type code → family; all others are texts."""


_REAL_SCHEMAS = {"pg": ("shop", "shop"), "my": ("fuzz",), "wh": ("wh", "main")}
"""Target → database and schema of its tables."""
_MYSQL_COLLATION = "utf8mb4_nopad_bin"
"""Compares byte by byte, as DuckDB does."""
_MYSQL_SCHEMA = "fuzz"
"""A database whose texts have that collation, also those of copies."""

SPARK = "spark"
"""Name of the compute that is Spark."""
_COMPUTES = f"""\
shop:
  target: duckdb
  computes:
    {SPARK}: {{type: spark, master: "local[2]", config: {{spark.sql.shuffle.partitions: 2}}}}
"""


class Verdict(StrEnum):
    """What came of one query."""

    SAME = "same"
    INVALID = "invalid"
    """The database itself refuses the query, or fails."""
    REFUSED = "refused"
    WRONG = "wrong"
    """dvt gives another answer, without a word."""
    ERROR = "error"
    """dvt fails with an error that is no refusal."""
    CRASH = "crash"
    """dvt fails with an exception that is none of its own."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a query and what to show of it."""

    verdict: Verdict
    reason: str = ""

    @property
    def fails(self) -> bool:
        """Whether the query shows a defect."""
        return self.verdict in {Verdict.WRONG, Verdict.ERROR, Verdict.CRASH}


@dataclass(frozen=True, slots=True)
class Answer:
    """Names, families of types, and rows, sorted and comparable."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A query and where its tables are."""

    sql: str
    """Tables stand in it as `{t1}`."""
    placement: Mapping[str, str]
    """Table → output."""
    pushdown: Pushdown = Pushdown.AUTO
    compute: str = "auto"
    """The place: `auto`, `target`, `source`, or the engine."""


class FuzzWorkspace(Workspace):
    """Outputs that hold all tables: `pg` and `pg2`, `my` and `my2`, `wh`, `src` and `src2`."""

    def __init__(self, root: Path, databases: Callable[[str], Any]) -> None:
        super().__init__(root)
        (root / "computes.yml").write_text(_COMPUTES)
        self.postgres, self.mariadb = databases("postgres"), databases("mariadb")
        for name in ("pg", "pg2"):
            self.outputs[name] = self.postgres.settings()
        for name in ("my", "my2"):
            self.outputs[name] = self.mariadb.settings(schema=_MYSQL_SCHEMA)
        ((self._sql_mode,),) = self.mariadb.execute("SELECT @@global.sql_mode")
        self.mariadb.execute(
            "SET GLOBAL sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
            f"CREATE DATABASE IF NOT EXISTS {_MYSQL_SCHEMA} COLLATE {_MYSQL_COLLATION}",
            f"GRANT ALL ON {_MYSQL_SCHEMA}.* TO '{self.mariadb.settings()['user']}'",
        )
        for table in TABLES:
            self.postgres.execute(
                f"DROP TABLE IF EXISTS {table.name} CASCADE",
                f"CREATE TABLE {table.name} ({table.ddl('postgres')})",
                *([f"INSERT INTO {table.name} VALUES {table.values()}"] if table.rows else []),
                f"ANALYZE {table.name}",
            )
            self.mariadb.execute(
                f"USE {_MYSQL_SCHEMA}",
                f"DROP TABLE IF EXISTS {table.name}",
                f"CREATE TABLE {table.name} ({table.ddl('mysql')})",
                *([f"INSERT INTO {table.name} VALUES {table.values()}"] if table.rows else []),
            )
        for name in ("wh", "src", "src2"):
            self.duckdb(
                name,
                *(f"CREATE TABLE {table.name} ({table.ddl('duckdb')})" for table in TABLES),
                *(f"INSERT INTO {table.name} VALUES {table.values()}" for table in TABLES if table.rows),
            )

    def close(self) -> None:
        """Give the server its sql_mode back: by the hostile one of the tests it parses SQL otherwise."""
        self.mariadb.execute(f"SET GLOBAL sql_mode = '{self._sql_mode}'")

    def ref(self, connection: str, table: str) -> TableRef:
        if connection in {"pg", "pg2"}:
            return TableRef(connection=connection, database="shop", schema="shop", identifier=table)
        if connection in {"my", "my2"}:
            return TableRef(connection=connection, schema=_MYSQL_SCHEMA, identifier=table)
        return super().ref(connection, table)

    def name(self, connection: str, table: str, target: str) -> tuple[str, ...]:
        """Return the real name of a table on the target, where the target may compute the model."""
        if connection != target:
            return super().name(connection, table, target)
        return (*_REAL_SCHEMAS[connection], table)


@dataclass
class _Reading:
    """A Publisher that reads the stage table instead of publishing it."""

    read: Callable[[TableRef], Answer]
    answer: Answer | None = field(default=None)

    def publish(self, load: Load) -> int:
        self.answer = self.read(load.stage)
        return len(self.answer.rows)


class Judge:
    """Judges trials in one dialect. Use it in a `with`."""

    outputs: tuple[str, ...]
    """Outputs that tables may be placed on, the target first."""

    def __init__(self, workspace: FuzzWorkspace, dialect: str) -> None:
        self._workspace, self._dialect = workspace, dialect
        self._run = Run(workspace)
        self._count = 0
        self.outputs = {
            "duckdb": ("wh", "src", "src2", "pg", "my"),
            "postgres": ("pg", "pg2", "src", "my"),
            "mysql": ("my", "my2", "pg", "src"),
        }[dialect]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._run.__exit__()

    def placeable(self, table: str) -> tuple[str, ...]:
        """Return the outputs that hold the table with the types it has on the target."""
        has_bool = any(
            kind == "bool" for known in TABLES if known.name == table for kind in known.columns.values()
        )
        if not has_bool:
            return self.outputs
        is_mysql = self._dialect == "mysql"
        return tuple(name for name in self.outputs if name.startswith("my") is is_mysql)

    def judge(self, trial: Trial) -> Judgement:
        """Compute natively and by dvt, and compare."""
        native = self._native(re.sub(r"\{(t\d)\}", r"\1", trial.sql), made=self._makes_table(trial))
        if isinstance(native, str):
            return Judgement(Verdict.INVALID, native)
        try:
            answer = self._federated(trial)
        except _REFUSALS as error:
            return Judgement(Verdict.REFUSED, str(error))
        except DvtError as error:
            return Judgement(Verdict.ERROR, str(error))
        except Exception as error:  # noqa: BLE001 - any other exception is the defect that is looked for
            return Judgement(Verdict.CRASH, f"{type(error).__name__}: {error}")
        for what in ("names", "types", "rows"):
            if getattr(native, what) != getattr(answer, what):
                return Judgement(
                    Verdict.WRONG,
                    f"{what}\n  native {getattr(native, what)}\n  dvt    {getattr(answer, what)}",
                )
        return Judgement(Verdict.SAME)

    def _makes_table(self, trial: Trial) -> bool:
        """Return whether a trial is compared with a table that the server makes in a session of dbt's.

        At a source literals have the collation of such sessions, and what cannot be written is an error.
        """
        if self._dialect != "mysql" or trial.compute not in {"auto", "source"}:
            return False
        try:
            return self._run.federator.choose(self._request(trial)).place is Place.SOURCE
        except DvtError:
            return trial.compute == "source"

    def _request(self, trial: Trial) -> NodeRequest:
        sql = re.sub(r"\{(t\d)\}", lambda name: f"{{{trial.placement[name[1]]}.{name[1]}}}", trial.sql)
        self._count += 1
        target = self.outputs[0]
        name, options = f"m{self._count}", {"pushdown": trial.pushdown, "compute": trial.compute}
        return self._run.request(name, sql, target, dialect=self._dialect, **options)

    def _federated(self, trial: Trial) -> Answer:
        request, federator = self._request(trial), self._run.federator
        if federator.choose(request).place is Place.TARGET:
            with federator.copies(request) as copies:
                return self._ask(copies.sql)
        publisher = _Reading(self._stage)
        federator.federate(request, publisher)
        assert publisher.answer is not None
        return publisher.answer

    def _native(self, sql: str, *, made: bool) -> Answer | str:
        """Return the answer of the dialect's database, or of a table `made` of it, or its error."""
        try:
            return self._ask(sql, made=made)
        except (duckdb.Error, psycopg2.Error, pymysql.Error) as error:
            return str(error)

    def _stage(self, stage: TableRef) -> Answer:
        quote = "`" if self._dialect == "mysql" else '"'
        return self._ask(f"SELECT * FROM {quote}{stage.schema}{quote}.{quote}{stage.identifier}{quote}")

    def _ask(self, sql: str, *, made: bool = False) -> Answer:
        workspace = self._workspace
        match self._dialect:
            case "duckdb":
                with closing(FILES.connect(str(workspace.outputs["wh"]["path"]))) as cursor:
                    cursor.execute(sql)
                    types = [
                        str(column[1]).replace("HUGEINT", "DECIMAL(38,0)") for column in cursor.description
                    ]
                    return _answer(cursor, types)
            case "postgres":
                with closing(workspace.postgres.owner()) as connection, connection.cursor() as cursor:
                    cursor.execute(sql)
                    types = [
                        _POSTGRES_FAMILIES.get(column[1], str(column[1])) for column in cursor.description
                    ]
                    return _answer(cursor, types)
            case _:
                with (
                    closing(workspace.mariadb.owner(database=_MYSQL_SCHEMA)) as connection,
                    connection.cursor() as cursor,
                ):
                    if made:
                        cursor.execute(flavour_of(connection.get_server_info()).session)
                        cursor.execute(f"CREATE TEMPORARY TABLE native AS {sql}")
                        sql = "SELECT * FROM native"
                    else:
                        cursor.execute(
                            "SET sql_mode = 'STRICT_TRANS_TABLES', "
                            f"collation_connection = '{_MYSQL_COLLATION}'"
                        )
                    cursor.execute(sql)
                    types = [_MYSQL_FAMILIES.get(column[1], "text") for column in cursor.description]
                    return _answer(cursor, types)


def _answer(cursor: Any, types: list[str]) -> Answer:
    names = tuple(column[0] for column in cursor.description)
    return Answer(names, tuple(types), comparable(cursor.fetchall()))
