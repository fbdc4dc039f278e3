"""MariaDB's side of a proof: what a query gives is what a table made of it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pymysql

from dvt.drivers.mysql import flavour_of
from dvt.federation.plan.proven.classes import COLLATED, QUOTIENT, SESSION_TEXT, UNSIGNED
from tests.proofs.engine import Rows
from tests.proofs.tables import TABLES, Table
from tests.proofs.values import INFINITE, MARIADB_VALUES

_TYPES: Mapping[str, str] = {
    "boolean": "tinyint(1)",
    "integer": "int",
    UNSIGNED: "bigint unsigned",
    "decimal": "decimal(10,2)",
    "text": "varchar(400) COLLATE utf8mb4_nopad_bin",
    COLLATED: "varchar(400) COLLATE utf8mb4_unicode_ci",
    SESSION_TEXT: "varchar(400) COLLATE utf8mb4_general_ci",
    "enum": "enum('b', 'a', '1', 'c') COLLATE utf8mb4_nopad_bin",
    "timestamp": "datetime(6)",
    "timestamptz": "timestamp(6)",
    "duration": "time(6)",
    "bit": "bit(8)",
    "small": "int",
    "blob": "varbinary(400)",
}
"""Class → MariaDB's type, where it has another name."""
_CLASSES = (
    (r"tinyint\(1\)", "boolean"),
    (r".*unsigned", UNSIGNED),
    (r"(tiny|small)int", "smallint"),
    (r"(medium)?int", "integer"),
    (r"bigint", "bigint"),
    (r"decimal", "decimal"),
    (r"datetime", "timestamp"),
    (r"timestamp", "timestamptz"),
    (r"binary\(0\)", "null"),
    (r"(var)?binary|.*blob", "blob"),
    (r"(enum|set)\b", "enum"),
    (r"time\b", "duration"),
)
"""Patterns of MariaDB's types → class, where it has another name."""
_OF_COLLATIONS = {"utf8mb4_nopad_bin": "text", "utf8mb4_unicode_ci": COLLATED}
"""Collation of a text → its class; another is that of the session."""
_ANSWER = "dvt_answer"
"""Table of the answer to the query that is tried."""
_WIDTHS = ("smallint", "integer", "bigint")
"""Classes of integers by their widths."""


def _representable(value: str | None) -> str | None:
    """Return a value that the server has, too: no infinity, no offset from UTC."""
    if value is None or value in INFINITE:
        return None
    return value.removesuffix("+00").removesuffix("+01")


class MariaDB:
    """A connection to the server, set as dvt's own sessions are."""

    dialect = "mysql"
    Error = pymysql.Error
    values = MARIADB_VALUES
    fixed_scales = True
    in_group = 3
    zone = "UTC"
    """The only zone: dvt sets it in each session. SQL for a session that a user sets is not translated."""
    tables: Mapping[str, Table] = {
        name: (columns, [[_representable(value) for value in row] for row in rows])
        for name, (columns, rows) in TABLES.items()
    }

    def __init__(self, connection: Any) -> None:
        self._cursor = connection.cursor()
        flavour = flavour_of(str(connection.get_server_info()))
        self._cursor.execute(f"{flavour.session}, max_statement_time = 5")

    def add(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[str | None]]) -> None:
        """Make a table; `columns` are classes by name."""
        types = ", ".join(f"{column} {_type(class_)} NULL" for column, class_ in columns.items())
        # a query may read a temporary table only once
        temporary = "" if name in self.tables else "TEMPORARY "
        self._cursor.execute(f"CREATE OR REPLACE {temporary}TABLE {name} ({types})")
        values = [
            "("
            + ", ".join(
                self._literal(value, class_) for value, class_ in zip(row, columns.values(), strict=True)
            )
            + ")"
            for row in rows
        ]
        self._cursor.execute(f"INSERT INTO {name} VALUES {', '.join(values)}")

    def _literal(self, value: str | None, class_: str) -> str:
        if class_ in ("boolean", "bit") or value is None:
            return value or "NULL"
        return str(self._cursor.mogrify("%s", (value,)))

    def run(self, sql: str) -> Rows:
        """Run a query as a model's: into a table; all values as text."""
        columns = self._described(sql)
        shown = ", ".join(_shown(name, type_) for name, type_, _ in columns)
        self._cursor.execute(f"SELECT {shown} FROM {_ANSWER}")
        return list(self._cursor.fetchall())

    def classes(self, sql: str) -> list[str]:
        """Return the classes of a query's outputs."""
        return [_class(type_, collation) for _, type_, collation in self._described(sql)]

    def is_same(self, class_: str, engine: str) -> bool:
        """Return whether the engine's class is the server's; an integer may be wider there."""
        if class_ in _WIDTHS and engine in _WIDTHS:
            return _WIDTHS.index(engine) >= _WIDTHS.index(class_)
        if class_ in (SESSION_TEXT, COLLATED):
            return engine == "text"
        return class_ == engine.replace(QUOTIENT, "decimal")

    def _described(self, sql: str) -> list[tuple[str, str, str | None]]:
        """Make the table of a query's answer, and return its columns with their types and collations."""
        self._cursor.execute(f"DROP TEMPORARY TABLE IF EXISTS {_ANSWER}")
        self._cursor.execute(
            f"CREATE TEMPORARY TABLE {_ANSWER} (dvt_place int AUTO_INCREMENT PRIMARY KEY) AS {sql}"
        )
        self._cursor.execute(f"SHOW FULL COLUMNS FROM {_ANSWER}")
        return [(row[0], row[1], row[2]) for row in self._cursor.fetchall()][1:]


def _type(class_: str) -> str:
    return _TYPES.get(class_, class_)


def _class(type_: str, collation: str | None) -> str:
    if collation is not None and not type_.startswith(("enum", "set")):
        return _OF_COLLATIONS.get(collation, SESSION_TEXT)
    for pattern, class_ in _CLASSES:
        if re.match(pattern, type_):
            return class_
    return re.split(r"[( ]", type_)[0]


def _shown(name: str, type_: str) -> str:
    column = f"`{name}`"
    if type_ == "tinyint(1)":
        return f"CASE WHEN {column} IS NOT NULL THEN IF({column}, 'true', 'false') END"
    return f"HEX({column})" if "blob" in type_ or "binary" in type_ else f"CAST({column} AS CHAR)"
