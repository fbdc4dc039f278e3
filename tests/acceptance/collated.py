"""The same tables on a real MariaDB, whose answers are the oracle, and in the DuckDB of the plans."""

from __future__ import annotations

import decimal
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb

from dvt.core.plan import FederationPlan
from dvt.core.requests import TextComparison, Translate
from tests.acceptance.oracle import Oracle

COLLATIONS = ("utf8mb4_general_ci", "utf8mb4_unicode_ci", "latin1_swedish_ci")
CORPUS: tuple[str | None, ...] = (
    "abc", "ABC", "abc ", "\u00e1bc", "\u00c1bc", "", " ", "\u00df", "ss", "SS", "s", "\u0130", "i",
    "\u0131", "_", "%", "\\", "\U0001f600", "\U0001f601", "\u00ff", "\u00f1", "n", "1", "12",
    None, "a\tb", "a", "a\t",
    "a b", "ABCD",
    "\u0153", "oe", "\u00c5", "\u00c4", "[", "a\x00", "\uff05",
)  # fmt: skip
"""Texts that collations compare in special ways; letters that look like others are written as code points."""
_ORDERED = re.compile(r"ORDER BY [^()]*$")


def encodable(collation: str, texts: Sequence[str | None]) -> list[str | None]:
    """Return the texts that the collation's character set can hold."""
    return [text for text in texts if text is None or not collation.startswith("latin1") or _is_latin(text)]


def _is_latin(text: str) -> bool:
    try:
        return bool(text.encode("cp1252")) or True
    except UnicodeError:
        return False


@dataclass
class Collated:
    """Tables p and q in both databases."""

    cursor: Any
    oracle: Oracle
    collation: str
    _weights: dict[str, str] = field(default_factory=dict)

    def fill(self, texts: Sequence[str | None]) -> None:
        charset = self.collation.partition("_")[0]
        typed = f"varchar(40) character set {charset} collate {self.collation}"
        for table, step in (("p", 1), ("q", 2)):
            columns = f"id int, t {typed}, u {typed}, n int"
            self.cursor.execute(f"create or replace table {table} ({columns}) character set utf8mb4")
            rows = [
                (index, text, texts[(index * 7 + step) % len(texts)], index % 3)
                for index, text in enumerate(texts)
                if index % step == 0
            ]
            self.cursor.executemany(f"insert into {table} values (%s, %s, %s, %s)", rows)
            self.oracle.db.execute(f"create or replace table {table} (id int, t varchar, u varchar, n int)")
            self.oracle.db.executemany(f"insert into {table} values (?, ?, ?, ?)", rows)

    def plan(
        self, sql: str, comparing: TextComparison = TextComparison.SOURCE, **options: Any
    ) -> FederationPlan:
        options = {"translate": Translate.BEST_EFFORT} | options
        return self.oracle.plan(sql, dialect="mysql", comparing=comparing, **options)

    def check(self, sql: str) -> None:
        """Assert that the plan's rows are the server's; equal texts may be spelled differently."""
        self.cursor.execute(re.sub(r"[{}]", "", sql))
        expected = [self._row(row) for row in self.cursor.fetchall()]
        plan = self.plan(sql)
        actual = [self._row(row) for row in self.oracle.run(plan)[1]]
        if not _ORDERED.search(sql):
            expected.sort(key=repr)
            actual.sort(key=repr)
        assert actual == expected, plan.transform.sql
        assert not [notice for notice in plan.notices if notice.code == "DVT025"]

    def _row(self, row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(self._value(value) for value in row)

    def _value(self, value: Any) -> Any:
        if isinstance(value, int | decimal.Decimal):
            return float(value)
        return self._weight(value) if isinstance(value, str) else value

    def _weight(self, text: str) -> str:
        if text not in self._weights:
            charset = self.collation.partition("_")[0]
            expression = f"convert(%s using {charset}) collate {self.collation} as char(60)"
            self.cursor.execute(f"select hex(weight_string({expression}))", (text,))
            self._weights[text] = self.cursor.fetchone()[0]
        return self._weights[text]


@contextmanager
def collated(server: Any, collation: str) -> Iterator[Collated]:
    """Open a connection of its own to the server; drop its tables at the end."""
    connection = server.owner(init_command="set sql_mode = 'STRICT_TRANS_TABLES'")
    with connection, connection.cursor() as cursor, duckdb.connect() as db:
        oracle = Oracle(
            db,
            connections={"p": "maria", "q": "maria"},
            dialects=dict.fromkeys(("maria", "target", "here"), "mysql"),
            collations={"t": collation, "u": collation},
        )
        yield Collated(cursor, oracle, collation)
        cursor.execute("drop table if exists p, q")
