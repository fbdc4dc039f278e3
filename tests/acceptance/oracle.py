"""A DuckDB that stands for several databases: plans run on it, and its own answer is the oracle."""

from __future__ import annotations

import atexit
import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlglot

from dvt.core.encoding import encoding
from dvt.core.names import TableRef
from dvt.core.plan import FederationPlan, LoadColumn
from dvt.core.ports.engines import Engine
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery
from dvt.core.requests import Input, NodeRequest, Pushdown
from dvt.core.tables import Column, Table
from dvt.core.types import DATE, TIMESTAMP, VARCHAR, Kind, StageType
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.sql import unpacked
from dvt.drivers.duckdb.staging import scan, write
from dvt.federation.answers import with_answers
from dvt.federation.plan import PlanContext, make_plan, parse_model
from dvt.federation.planning import answered
from dvt.staging.shared import Staging
from tests.databases.engines import NOW, default_engine
from tests.local_bucket import local_bucket

_NUMBERS = itertools.count()
_EXACT = {DATE, TIMESTAMP, VARCHAR}


@dataclass
class Oracle:
    """Tables of one DuckDB, presented as tables of several connections."""

    db: Any
    engine: Engine = field(default_factory=lambda: shared_engine())  # noqa: PLW0108  defined below
    """The engine that computes plans; the oracle's own answer is that of `db`."""
    speaker: Engine | None = None
    """An engine that speaks the models' dialect, where `engine` does not."""
    staging: Staging = field(default_factory=lambda: shared_staging())  # noqa: PLW0108
    connections: dict[str, str] = field(default_factory=dict)
    """Table → connection; tables that are not named are on `here`."""
    dialects: dict[str, str] = field(default_factory=dict)
    this: str = ""
    """The model's own table."""
    nulls_inexact: set[str] = field(default_factory=set)
    """Columns some of whose values become NULL when they are extracted."""
    collations: dict[str, str] = field(default_factory=dict)
    """Column → collation, in every table that has the column."""
    kept_name: Callable[[str], str] = str
    """Returns a name as the target keeps it."""
    own_type: Callable[[Column, str], str | None] = lambda _column, _dialect: None
    """Returns the target's own type for a column."""

    def table(self, name: str) -> Table:
        rows = self.db.execute(f'DESCRIBE "{name}"').fetchall()
        ref = TableRef(connection=self.connections.get(name, "here"), schema="main", identifier=name)
        columns = tuple(
            Column(
                name=row[0],
                native=row[1].lower(),
                stage=type_,
                exact=(type_.is_number or type_ in _EXACT) and row[0] not in self.collations,
                nulls_exact=row[0] not in self.nulls_inexact,
                collation=self.collations.get(row[0]),
                ranked=type_.kind is Kind.ENUM,
            )
            for row, type_ in ((row, StageType.parse(row[1])) for row in rows)
        )
        return Table(ref=ref, columns=columns)

    def names(self) -> list[str]:
        return [row[0] for row in self.db.execute("SELECT table_name FROM duckdb_tables()").fetchall()]

    def marked(self, sql: str) -> str:
        """Write the table names of plain SQL as {orders}."""
        tree = sqlglot.parse_one(sql, dialect="duckdb")
        names = self.names()
        for table in list(tree.find_all(sqlglot.exp.Table)):
            if table.name in names:
                alias = table.alias or table.name
                table.set("this", sqlglot.exp.to_identifier("{" + table.name + "}", quoted=True))
                table.set("alias", sqlglot.exp.TableAlias(this=sqlglot.exp.to_identifier(alias)))
        return tree.sql(dialect="duckdb").replace('"{', "{").replace('}"', "}")

    def request(
        self, sql: str, *, dialect: str = "duckdb", pushdown: Pushdown = Pushdown.AUTO, **options: Any
    ) -> NodeRequest:
        """Return a node's request; `sql` names tables as {orders}."""
        inputs: dict[str, Input] = {}
        quote = "`" if dialect == "mysql" else '"'

        def written(match: re.Match[str]) -> str:
            name = match.group(1)
            ref = TableRef(connection=self.connections.get(name, "here"), schema="main", identifier=name)
            key = f"model.shop.{name}"
            parts = (ref.connection, "main", name)
            inputs[key] = Input(table=ref, unique_id=key, name=parts, this=name == self.this)
            return ".".join(f"{quote}{part}{quote}" for part in parts)

        names = "|".join(re.escape(name) for name in self.names())
        text = re.sub(r"\{(" + names + r")\}", written, sql)
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
            **options,
        )

    def plan(self, sql: str, **options: Any) -> FederationPlan:
        request = self.request(sql, **options)
        parsed = parse_model(request)
        tables = {key: self.table(read.table.identifier) for key, read in parsed.inputs.items()}
        return make_plan(parsed, tables, self.context())

    def context(self) -> PlanContext:
        connections = {"here", "target", *self.connections.values()}
        return PlanContext(
            dialects={name: self.dialects.get(name, "duckdb") for name in connections},
            bind=self.engine.bind,
            narrowed=self.engine.narrowed,
            evaluate=self.engine.evaluate,
            bind_own=self.speaker.bind if self.speaker else None,
            load=lambda columns: tuple(
                LoadColumn(name=column.name, stage=column.type, native=str(column.type)) for column in columns
            ),
            started_at=NOW,
            kept_name=self.kept_name,
            own_type=self.own_type,
            engine=self.engine.dialect,
            collations=self.engine.collations,
        )

    def extract(self, query: SourceQuery) -> Dataset:
        """Stage the answer to a query, as a connector does."""
        sink = self.staging.result(f"{next(_NUMBERS)}")
        source = f"({query.shown.replace('`', chr(34))})"
        return sink.commit(query.staged, write(self.db, unpacked(query.columns, source), sink))

    def sent_queries(self, plan: FederationPlan) -> list[SourceQuery]:
        """Return the plan's queries as they are sent."""
        return [query for query, _ in self.answers(plan)]

    def answers(self, plan: FederationPlan) -> list[tuple[SourceQuery, Dataset]]:
        """Send the plan's queries, wave after wave; return each as it was sent, and its staged answer."""
        answers: dict[str, Dataset] = {}
        sent: list[tuple[SourceQuery, Dataset]] = []
        for wave in plan.waves():
            queries = [
                answered(query, self.dialects.get(query.connection, "duckdb"), answers, self.engine)
                for query in wave
            ]
            staged = [(query, self.extract(query)) for query in queries]
            answers |= {query.alias: dataset for query, dataset in staged}
            sent += staged
        return sent

    def run(self, plan: FederationPlan) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Run the plan in the engine; return columns (name, type) and rows."""
        answers = {query.alias: dataset for query, dataset in self.answers(plan)}
        transform = replace(plan.transform, sql=with_answers(plan.transform.sql, answers, self.engine))
        sink = self.staging.result(f"{next(_NUMBERS)}")
        dataset = self.engine.run(transform, answers, sink)
        try:
            described = [(column.name, str(column.type)) for column in dataset.columns]
            return described, self.db.execute(scan(dataset)).fetchall()
        finally:
            for staged in (dataset, *answers.values()):
                self.staging.bucket.delete(staged.at.prefix)

    def single_engine_answer(self, sql: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Return one engine's answer, in types that can be staged: columns (name, type) and rows."""
        plain = re.sub(r"\{([\w ]+)\}", r'"\1"', sql)
        described = [
            (row[0], str(encoding(StageType.parse(row[1])).stage))
            for row in self.db.execute(f"DESCRIBE ({plain}\n)").fetchall()
        ]
        names = [f"c{index}" for index in range(len(described))]
        typed = [f"CAST({name} AS {type_})" for name, (_, type_) in zip(names, described, strict=True)]
        answer = f"SELECT {', '.join(typed)} FROM ({plain}\n) AS a({', '.join(names)})"
        return described, self.db.execute(answer).fetchall()

    def check(self, sql: str, **options: Any) -> FederationPlan:
        """Plan and run with pushdown and without, compare with one engine; return the plan with pushdown."""
        expected_columns, expected_rows = self.single_engine_answer(sql)
        plans = []
        for pushdown in (Pushdown.OFF, Pushdown.AUTO):
            plan = self.plan(sql, pushdown=pushdown, **options)
            described, rows = self.run(plan)
            assert described == expected_columns, plan.transform.shown
            queries = [query.shown for query in plan.queries]
            assert same_rows(rows, expected_rows), (pushdown, plan.transform.shown, queries)
            assert [(c.name, str(c.type)) for c in plan.transform.columns] == expected_columns
            plans.append(plan)
        return plans[-1]


@cache
def shared_folder() -> Path:
    """Make one folder for all data of oracles; it is removed when the process ends."""
    folder = TemporaryDirectory(prefix="dvt-oracle-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@cache
def shared_staging() -> Staging:
    """Make one staging for all oracles, whose datasets are numbered."""
    return Staging(local_bucket(shared_folder() / "staging"), "oracle")


@cache
def shared_engine() -> Engine:
    """Make one embedded engine for all oracles: it has no tables of its own."""
    return default_engine(MemoryInstance(threads=1, spill=shared_folder() / "spill"))


def same_rows(rows: Sequence[Sequence[Any]], others: Sequence[Sequence[Any]]) -> bool:
    """Return whether rows are equal as multisets, floats to nine digits."""
    return Counter(_rounded(row) for row in rows) == Counter(_rounded(row) for row in others)


def _rounded(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(f"{value:.9e}" if isinstance(value, float) else repr(value) for value in row)
