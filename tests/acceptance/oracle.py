"""One database that plays several: plans are run on it, and its own answer is the oracle."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import duckdb
import sqlglot

from dvt.core.encoding import encoding
from dvt.core.errors import SqlInvalid
from dvt.core.names import MARKER, TableRef
from dvt.core.plan import FederationPlan, LoadColumn
from dvt.core.ports.engines import Value
from dvt.core.queries import SourceQuery
from dvt.core.requests import Input, NodeRequest, Pushdown
from dvt.core.tables import Column, StageColumn, Table
from dvt.core.types import DATE, TIMESTAMP, VARCHAR, StageType
from dvt.drivers.duckdb import COLLATIONS, define_functions
from dvt.federation.answers import with_answers
from dvt.federation.plan import PlanContext, make_plan, parse_model
from dvt.federation.planning import answered

NOW = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
_EXACT = {DATE, TIMESTAMP, VARCHAR}


@dataclass
class Oracle:
    """Tables in one DuckDB, pretended to lie on several connections."""

    db: Any
    dialect: ClassVar[str] = "duckdb"
    places: dict[str, str] = field(default_factory=dict)
    """Table → connection; `here` for those that are not named."""
    dialects: dict[str, str] = field(default_factory=dict)
    this: str = ""
    nulls_inexact: set[str] = field(default_factory=set)
    """Columns some of whose values become NULL on their way."""
    collations: dict[str, str] = field(default_factory=dict)
    """Column → collation, in every table that has it."""

    def table(self, name: str) -> Table:
        rows = self.db.execute(f'DESCRIBE "{name}"').fetchall()
        ref = TableRef(connection=self.places.get(name, "here"), schema="main", identifier=name)
        columns = tuple(
            Column(
                name=row[0],
                native=row[1].lower(),
                stage=type_,
                exact=(type_.is_number or type_ in _EXACT) and row[0] not in self.collations,
                nulls_exact=row[0] not in self.nulls_inexact,
                collation=self.collations.get(row[0]),
            )
            for row, type_ in ((row, StageType.parse(row[1])) for row in rows)
        )
        return Table(ref=ref, columns=columns)

    def names(self) -> list[str]:
        return [row[0] for row in self.db.execute("SELECT table_name FROM duckdb_tables()").fetchall()]

    def marked(self, sql: str) -> str:
        """Plain SQL with its tables named as {orders}."""
        tree = sqlglot.parse_one(sql, dialect="duckdb")
        known = self.names()
        for table in list(tree.find_all(sqlglot.exp.Table)):
            if table.name in known:
                alias = table.alias or table.name
                table.set("this", sqlglot.exp.to_identifier("{" + table.name + "}", quoted=True))
                table.set("alias", sqlglot.exp.TableAlias(this=sqlglot.exp.to_identifier(alias)))
        return tree.sql(dialect="duckdb").replace('"{', "{").replace('}"', "}")

    def request(
        self, sql: str, *, dialect: str = "duckdb", pushdown: Pushdown = Pushdown.AUTO, **more: Any
    ) -> NodeRequest:
        """`sql` names tables as {orders}."""
        inputs: dict[str, Input] = {}
        quote = "`" if dialect == "mysql" else '"'

        def marker(found: re.Match[str]) -> str:
            name = found.group(1)
            schema = f"{MARKER}model.shop.{name}"
            ref = TableRef(connection=self.places.get(name, "here"), schema="main", identifier=name)
            inputs[schema] = Input(table=ref, unique_id=f"model.shop.{name}", this=name == self.this)
            return f"{quote}{schema}{quote}.{quote}{name}{quote}"

        known = "|".join(re.escape(name) for name in self.names())
        text = re.sub(r"\{(" + known + r")\}", marker, sql)
        stage = TableRef(connection="target", schema="main", identifier="dvt_stage")
        return NodeRequest(
            unique_id="model.shop.it",
            name="it",
            file="models/it.sql",
            sql=text,
            dialect=dialect,
            inputs=inputs,
            stage=stage,
            pushdown=pushdown,
            **more,
        )

    def plan(self, sql: str, **more: Any) -> FederationPlan:
        request = self.request(sql, **more)
        parsed = parse_model(request)
        tables = {marker: self.table(one.table.identifier) for marker, one in parsed.inputs.items()}
        return make_plan(parsed, tables, self.context())

    def context(self) -> PlanContext:
        connections = {"here", "target", *self.places.values()}
        return PlanContext(
            dialects={name: self.dialects.get(name, "duckdb") for name in connections},
            bind=self.bind,
            evaluate=self.evaluate,
            load=lambda columns: tuple(
                LoadColumn(name=one.name, stage=one.type, native=str(one.type)) for one in columns
            ),
            now=NOW,
            engine="duckdb",
            collations=COLLATIONS,
        )

    def bind(
        self, sql: str, inputs: Mapping[str, Sequence[StageColumn]], functions: Sequence[str]
    ) -> tuple[StageColumn, ...]:
        with self.db.cursor() as empty:
            for name, columns in inputs.items():
                typed = ", ".join(f'"{one.name}" {one.type}' for one in columns)
                empty.execute(f'CREATE TEMP TABLE "{name}" ({typed})')
            define_functions(empty, functions)
            try:
                rows = empty.execute(f"DESCRIBE ({sql}\n)").fetchall()
            except duckdb.Error as error:
                raise SqlInvalid("duckdb", str(error)) from error
        return tuple(StageColumn(row[0], StageType.parse(row[1])) for row in rows)

    def evaluate(self, expressions: Sequence[str]) -> list[Value | None]:
        values: list[Value | None] = []
        for one in expressions:
            try:
                asked = f"SELECT typeof(v), CAST(v AS VARCHAR) FROM (SELECT {one} AS v)"
                type_, text = self.db.execute(asked).fetchone()
                values.append((StageType.parse(type_), text))
            except duckdb.Error:
                values.append(None)
        return values

    def extracted(self, one: SourceQuery) -> str:
        unpacked = ", ".join(
            f'CAST({c.column.unpack.format(chr(34) + c.name + chr(34))} AS {c.column.stage}) AS "{c.name}"'
            for c in one.columns
        )
        return f"SELECT {unpacked} FROM ({one.shown.replace('`', chr(34))})"

    def fetch(self, alias: Any) -> tuple[Value, ...]:
        """As an engine does: the first row of an answer, which is known by its alias here."""
        rows = self.db.execute(f'DESCRIBE "{alias}"').fetchall()
        types = [StageType.parse(row[1]) for row in rows]
        row = self.db.execute(f'SELECT CAST(COLUMNS(*) AS VARCHAR) FROM "{alias}" LIMIT 1').fetchone()
        return tuple(zip(types, row or [None] * len(types), strict=True))

    def sent(self, plan: FederationPlan) -> list[SourceQuery]:
        """The plan's queries as they are sent, wave after wave, each answer in a table of its alias."""
        answers: dict[str, Any] = {}
        sent: list[SourceQuery] = []
        for wave in plan.waves():
            for query in wave:
                dialect = self.dialects.get(query.connection, "duckdb")
                known = answered(query, dialect, answers, self)  # type: ignore[arg-type]
                self.db.execute(f'CREATE OR REPLACE TEMP TABLE "{query.alias}" AS {self.extracted(known)}')
                sent.append(known)
            answers |= {query.alias: query.alias for query in wave}
        return sent

    def run(self, plan: FederationPlan) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Names and types, and the rows, that the plan comes to."""
        answers: dict[str, Any] = {query.alias: query.alias for query in self.sent(plan)}
        sql = with_answers(plan.transform.sql, answers, self)  # type: ignore[arg-type]
        define_functions(self.db, plan.transform.functions)
        try:
            return self.answer(sql)
        finally:
            for alias in answers:
                self.db.execute(f'DROP TABLE "{alias}"')

    def answer(self, sql: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        rows = self.db.execute(f"DESCRIBE ({sql}\n)").fetchall()
        described = [(row[0], str(StageType.parse(row[1]))) for row in rows]
        return described, self.db.execute(sql).fetchall()

    def single(self, sql: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """What one engine says, in types that can be staged."""
        plain = re.sub(r"\{([\w ]+)\}", r'"\1"', sql)
        described = [
            (row[0], str(encoding(StageType.parse(row[1])).stage))
            for row in self.db.execute(f"DESCRIBE ({plain}\n)").fetchall()
        ]
        places = [f"c{place}" for place in range(len(described))]
        typed = [f"CAST({at} AS {type_})" for at, (_, type_) in zip(places, described, strict=True)]
        answer = f"SELECT {', '.join(typed)} FROM ({plain}\n) AS a({', '.join(places)})"
        return described, self.db.execute(answer).fetchall()

    def check(self, sql: str, **more: Any) -> FederationPlan:
        """Plan, run, compare with one engine, with pushdown and without; the plan with."""
        expected, wanted = self.single(sql)
        plans = []
        for pushdown in (Pushdown.OFF, Pushdown.AUTO):
            plan = self.plan(sql, pushdown=pushdown, **more)
            described, rows = self.run(plan)
            assert described == expected, plan.transform.sql
            assert same(rows, wanted), (pushdown, plan.transform.sql, [one.shown for one in plan.queries])
            assert [(c.name, str(c.type)) for c in plan.transform.columns] == expected
            plans.append(plan)
        return plans[-1]


def same(rows: Sequence[Sequence[Any]], others: Sequence[Sequence[Any]]) -> bool:
    """Equal as multisets, floats to nine digits."""
    return Counter(_rounded(row) for row in rows) == Counter(_rounded(row) for row in others)


def _rounded(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(f"{one:.9e}" if isinstance(one, float) else repr(one) for one in row)
