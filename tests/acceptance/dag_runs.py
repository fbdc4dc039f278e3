"""Random DAGs run by a Federator over several databases, and by one DuckDB for comparison."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from dvt.core.errors import TranslationWrong
from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.core.requests import Pushdown
from dvt.drivers.duckdb import FILES
from tests.acceptance.dag_expressions import SOURCE_TYPES, quoted
from tests.acceptance.dag_fuzz import Dag, Node, Relation, Write
from tests.acceptance.federating import RenamingPublisher, Run, Workspace

_DEFAULT = "duckdb"
"""Dialect of the engine that computes what names none, by which a computation is told."""
_MARKER = re.compile("⟦(.*?)⟧")
_NAME = re.compile('"((?:[^"]|"")*)"')
_NATIVE = {
    "duckdb": {},
    "postgres": {"text": "text", "dbl": "double precision"},
    "mariadb": {"text": "varchar(255)", "ts": "datetime(6)", "dbl": "double"},
    "sqlite": {"text": "TEXT", "int": "INTEGER"},
}


@dataclass
class Shop(Workspace):
    """Two DuckDB files, one of them under two names, SQLite, Parquet, CSV; servers if there are any."""

    servers: Mapping[str, Any] = field(default_factory=dict)
    """Type → server."""
    twins: Mapping[str, str] = field(default_factory=dict)
    """Output → another output that is the same database."""

    def set_up(self) -> None:
        self.root.mkdir()
        self.duckdb("da")
        self.duckdb("db")
        self.outputs["da2"] = self.outputs["da"]
        self.outputs["lite"] = {"type": "sqlite", "path": str(self.root / "lite.sqlite")}
        self.outputs["lake"] = {"type": "files", "path": str(self.root / "lake")}
        self.outputs["sheets"] = {"type": "files", "path": str(self.root / "sheets"), "format": "csv"}
        self.twins = {"da": "da2"}
        for folder in ("lake", "sheets"):
            (self.root / folder).mkdir(exist_ok=True)
        for type_, server in self.servers.items():
            self.outputs[type_] = server.settings()

    @property
    def targets(self) -> list[str]:
        return ["da", "db", *self.servers]

    @property
    def sources(self) -> list[str]:
        return ["da", "db", "lite", "lake", "sheets", *self.servers, *self.servers]

    def ref(self, connection: str, table: str) -> TableRef:
        if connection in self.servers:
            return replace(self.servers[connection].table(table), connection=connection)
        if connection == "da2":
            return TableRef(connection="da2", database="da", schema="main", identifier=table)
        return super().ref(connection, table)

    # data

    def place(self, relation: Relation, base: Any) -> None:
        """Make a source's table, with the rows of the table of that name in `base`."""
        type_ = self.outputs[relation.home]["type"]
        rows = base.execute(f"FROM {quoted(relation.name)}").fetchall()
        if type_ == "files":
            suffix = self.outputs[relation.home].get("format", "parquet")
            file = self.root / relation.home / f"{relation.name}.{suffix}"
            base.execute(f"COPY {quoted(relation.name)} TO '{file}'")
            return
        name = self.name_of(relation)
        natives = {**SOURCE_TYPES, **_NATIVE[type_]}
        columns = ", ".join(
            f"{self.quote(relation.home, column)} {natives[kind]}"
            for column, kind in relation.columns.items()
        )
        self.execute(relation.home, f"DROP TABLE IF EXISTS {name}")
        self.execute(relation.home, f"CREATE TABLE {name} ({columns})")
        placeholder = "?" if type_ in ("duckdb", "sqlite") else "%s"
        sql = f"INSERT INTO {name} VALUES ({', '.join([placeholder] * len(relation.columns))})"
        if type_ == "sqlite":
            rows = [[_for_sqlite(value) for value in row] for row in rows]
        self.many(relation.home, sql, rows)

    def quote(self, home: str, name: str) -> str:
        return self.servers[home].name_of(name) if home in self.servers else quoted(name)

    def name_of(self, relation: Relation) -> str:
        if relation.home in self.servers:
            return self.servers[relation.home].quoted(self.servers[relation.home].table(relation.name))
        return quoted(relation.name)

    def connect(self, home: str) -> Any:
        if home in self.servers:
            return self.servers[home].owner()
        path = self.outputs[home]["path"]
        return sqlite3.connect(path) if home == "lite" else FILES.connect(path)

    def execute(self, home: str, sql: str) -> list[tuple[Any, ...]]:
        with closing(self.connect(home)) as connection:
            cursor = connection if home in ("da", "db") else connection.cursor()
            cursor.execute(sql)
            rows = cursor.fetchall() if cursor.description else []
            if home == "lite":
                connection.commit()
            return list(rows)

    def many(self, home: str, sql: str, rows: list[Any]) -> None:
        with closing(self.connect(home)) as connection:
            cursor = connection if home in ("da", "db") else connection.cursor()
            if rows:
                cursor.executemany(sql, rows)
            if home == "lite":
                connection.commit()

    def write(self, run: Run, write: Write) -> None:
        """Run a hook's statement, and tell the federation."""
        home = write.table.home
        sql = _MARKER.sub(lambda _: "\0", write.sql)
        if home in self.servers:
            sql = _NAME.sub(lambda match: self.quote(home, match[1].replace('""', '"')), sql)
        self.execute(home, sql.replace("\0", self.name_of(write.table)))
        for output in {home, self.twins.get(home, home)}:
            run.federator.wrote(output, self.ref(output, write.table.name) if write.told else None)

    def rows_of(self, relation: Relation) -> list[tuple[Any, ...]]:
        return self.execute(relation.home, f"SELECT * FROM {self.name_of(relation)}")


class ServerPublisher(RenamingPublisher):
    """A Publisher on PostgreSQL or MariaDB."""

    def publish(self, load: Load) -> int:
        shop: Any = self.run.workspace
        server = shop.servers[load.stage.connection]
        old = server.quoted(server.table(self.name))
        new = server.quoted(server.table(load.stage.identifier))
        short = server.name_of(self.name)
        rename = f"ALTER TABLE {new} RENAME TO {short if server.name == 'postgres' else old}"
        server.execute(f"DROP TABLE IF EXISTS {old}", rename)
        return -1


@dataclass
class Result:
    """The result of one run."""

    failed: dict[str, Exception] = field(default_factory=dict)
    """Node → its error; nodes that read it are skipped."""
    skipped: set[str] = field(default_factory=set)
    read: int = 0
    """Rows read from sources."""
    reused: int = 0
    computed: int = 0
    """Models that the compute of the case has computed, and not the default one."""

    @property
    def unmade(self) -> set[str]:
        return {*self.failed, *self.skipped}

    @property
    def failures(self) -> dict[str, str]:
        """Node → kind of its error."""
        return {name: type(error).__name__ for name, error in self.failed.items()}


@dataclass
class Case:
    """A DAG on a shop."""

    dag: Dag
    shop: Shop
    seed: int
    compute: str = ""
    """A compute that is asked first for each model; what it refuses to translate, the default computes."""

    def relations(self) -> dict[str, Relation]:
        return {
            relation.name: relation
            for relation in (*self.dag.sources, *(node.relation for node in self.dag.nodes))
        }

    def text(self, node: Node, sql: str) -> str:
        """SQL of a node as `Run.request` takes it."""
        relations = self.relations()
        written = {write.table.name for each in self.dag.nodes for write in each.writes}
        rng = random.Random(f"{self.seed} {node.relation.name}")

        def named(match: re.Match[str]) -> str:
            if match[1] == "this":
                return "{this}"
            relation = relations[match[1]]
            home = relation.home
            if relation in self.dag.sources and relation.name not in written and rng.random() < 0.3:
                home = self.shop.twins.get(home, home)
            return f"{{{home}.{relation.name}}}"

        return _MARKER.sub(named, sql)

    def run(self, *, again: bool, threads: int, shared: bool, built: set[str]) -> Result:
        """Run the DAG; `shared` is false for a run of its own for each model."""
        result = Result()
        if shared:
            with self.shop.run() as run:
                self._all(lambda node: self._run_node(run, node, again, built), threads, result)
            self._count(run, result)
            moved = [moved for _, moved in run.reporter.movements if moved.what == "compute"]
            result.computed = sum(computed.connection != _DEFAULT for computed in moved)
            return result

        def alone(node: Node) -> None:
            with self.shop.run() as run:
                try:
                    self._run_node(run, node, again, built)
                finally:
                    self._count(run, result)

        self._all(alone, 1, result)
        return result

    def _run_node(self, run: Run, node: Node, again: bool, built: set[str]) -> None:
        name, home = node.relation.name, node.relation.home
        sql = node.again if again and name in built else node.sql
        kind = ServerPublisher if home in self.shop.servers else RenamingPublisher
        options: dict[str, Any] = {"pushdown": Pushdown(node.pushdown)}
        for compute in [self.compute] if self.compute else []:
            with suppress(TranslationWrong):
                run.model(name, self.text(node, sql), home, kind(run, name), compute=compute, **options)
                break
        else:
            run.model(name, self.text(node, sql), home, kind(run, name), **options)
        for write in node.writes:
            self.shop.write(run, write)

    @staticmethod
    def _count(run: Run, result: Result) -> None:
        moved = [moved for _, moved in run.reporter.movements if moved.what == "extract"]
        result.read += sum(extraction.rows for extraction in moved if not extraction.reused)
        result.reused += sum(1 for extraction in moved if extraction.reused)

    def _all(self, work: Callable[[Node], None], threads: int, result: Result) -> None:
        waiting, done = list(self.dag.nodes), set[str]()
        running: dict[Future[None], Node] = {}
        with ThreadPoolExecutor(threads) as pool:
            while waiting or running:
                for node in [node for node in waiting if node.after <= done]:
                    waiting.remove(node)
                    if node.after & result.unmade:
                        result.skipped.add(node.relation.name)
                        done.add(node.relation.name)
                    else:
                        running[pool.submit(work, node)] = node
                if not running:
                    continue
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    node = running.pop(future)
                    done.add(node.relation.name)
                    if (error := future.exception()) is not None:
                        if not isinstance(error, Exception):
                            raise error
                        result.failed[node.relation.name] = error


class Single:
    """One DuckDB in which every source and every model is a table, of the types that dvt describes."""

    def __init__(self, base: Any) -> None:
        self.db = base

    def add(self, name: str, sql: str, types: Iterable[str]) -> None:
        described = self.db.execute(f"DESCRIBE ({sql}\n)").fetchall()
        names = [f"c{index}" for index in range(len(described))]
        typed = [
            f"CAST({column} AS {type_}) AS {quoted(row[0])}"
            for column, row, type_ in zip(names, described, types, strict=True)
        ]
        answer = f"SELECT {', '.join(typed)} FROM ({sql}\n) AS a({', '.join(names)})"
        self.db.execute(f"CREATE OR REPLACE TEMP TABLE dvt_new AS {answer}")
        self.db.execute(f"CREATE OR REPLACE TABLE {quoted(name)} AS FROM dvt_new")

    def refuses(self, sql: str) -> bool:
        try:
            self.db.execute(sql).fetchall()
        except duckdb.Error:
            return True
        return False

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.db.execute(f"FROM {quoted(name)}").fetchall()
        return rows

    @staticmethod
    def plain(sql: str, name: str = "") -> str:
        return _MARKER.sub(lambda match: quoted(name if match[1] == "this" else match[1]), sql)


def normal(rows: Iterable[Iterable[Any]]) -> list[str]:
    """Rows in an order, values as texts that every client gives alike."""
    return sorted(repr(tuple(_normal(value) for value in row)) for row in rows)


def _normal(value: Any) -> Any:
    if isinstance(value, bool | int | float | Decimal):
        return f"{float(value):.9e}".replace("-0.000000000e+00", "0.000000000e+00")
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, int | float | None) else str(value)


def described(shop: Shop, relations: Iterable[Relation]) -> dict[str, list[str]]:
    """Types of the tables' columns, as dvt reads them."""
    with shop.run() as run:
        tables = {}
        for relation in relations:
            table = run.federator.describe(shop.ref(relation.home, relation.name))
            tables[relation.name] = [str(column.stage) for column in table.columns]
        return tables


def new_base(dag: Dag, seed: int) -> Any:
    """A DuckDB with the sources' rows."""
    base = duckdb.connect()
    base.execute("SET TimeZone = 'UTC'")
    for number, source in enumerate(dag.sources):
        base.execute(f"CREATE TABLE {quoted(source.name)} AS {source.data(seed * 10 + number, 13)}")
    return base
