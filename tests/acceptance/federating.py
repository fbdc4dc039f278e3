"""Federated nodes without dbt: requests as the bridge makes them, published by a rename."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import duckdb

from dvt.app.federation import make_federator
from dvt.core.names import MARKER, TableRef, stage_name
from dvt.core.plan import Load
from dvt.core.ports.bridge import RunContext
from dvt.core.reports import Moved, Notice
from dvt.core.requests import Input, NodeRequest, Pushdown
from dvt.drivers.duckdb import FILES


@dataclass
class Seen:
    """A Reporter that remembers. Thread-safe."""

    moved_: list[tuple[str, Moved]] = field(default_factory=list)
    notices: list[tuple[str, Notice]] = field(default_factory=list)

    def moved(self, node: str, moved: Moved) -> None:
        self.moved_.append((node, moved))

    def notice(self, node: str, notice: Notice) -> None:
        self.notices.append((node, notice))

    def extracted(self, *, reused: bool = False) -> list[str]:
        return [m.connection for _, m in self.moved_ if m.what == "extract" and m.reused is reused]


@dataclass
class Place:
    """DuckDB and other outputs of one test, in one folder."""

    root: Path
    outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def duckdb(self, name: str, *statements: str) -> str:
        """Make an output and its file, and run statements there by a handle of their own."""
        path = self.root / f"{name}.duckdb"
        self.outputs[name] = {"type": "duckdb", "path": str(path), "schema": "main"}
        FILES.close(str(path))
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
        return name

    def output(self, name: str) -> Mapping[str, Any]:
        return self.outputs[name]

    def query(self, name: str, sql: str) -> list[tuple[Any, ...]]:
        """Ask a DuckDB output, through the handle that the run shares."""
        cursor = FILES.connect(str(self.outputs[name]["path"]))
        try:
            return cursor.execute(sql).fetchall()
        finally:
            cursor.close()

    def tables(self, name: str) -> list[str]:
        return [row[0] for row in self.query(name, "SELECT table_name FROM duckdb_tables() ORDER BY 1")]

    def staged(self) -> list[str]:
        """Files under the staging folder."""
        root = self.root / ".dvt" / "staging"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def records(self) -> list[str]:
        root = self.root / ".dvt" / "operations"
        return sorted(path.name for path in root.glob("*")) if root.exists() else []

    def run(self, **context: Any) -> Run:
        return Run(self, **context)

    def ref(self, connection: str, table: str) -> TableRef:
        if self.outputs[connection]["type"] == "duckdb":
            return TableRef(connection=connection, database=connection, schema="main", identifier=table)
        return TableRef(connection=connection, identifier=table)


class Run:
    """One run's Federator, and a publisher that renames as dbt's macros would."""

    def __init__(self, place: Place, **context: Any) -> None:
        self.place = place
        self.seen = Seen()
        given = {"project_dir": place.root, "profiles_dir": place.root, "profile": "shop"} | context
        self.federator = make_federator(RunContext(outputs=place, reporter=self.seen, **given))
        self._publishing = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.federator.close()

    def request(
        self, name: str, sql: str, target: str, *, dialect: str = "duckdb", **more: Any
    ) -> NodeRequest:
        """A node whose SQL says `{connection.table}` for what it reads, and `{this}` for itself."""
        inputs: dict[str, Input] = {}
        text = sql
        for connection in self.place.outputs:
            while f"{{{connection}." in text:
                table = text.split(f"{{{connection}.", 1)[1].split("}", 1)[0]
                unique_id = f"source.shop.{connection}.{table}"
                inputs[MARKER + unique_id] = Input(
                    table=self.place.ref(connection, table), unique_id=unique_id
                )
                text = text.replace(f"{{{connection}.{table}}}", f'"{MARKER}{unique_id}"."{table}"')
        unique_id = f"model.shop.{name}"
        if "{this}" in text:
            table = self.place.ref(target, name)
            inputs[MARKER + unique_id] = Input(table=table, unique_id=unique_id, this=True)
            text = text.replace("{this}", f'"{MARKER}{unique_id}"."{name}"')
        return NodeRequest(
            unique_id=unique_id,
            name=name,
            file=f"models/{name}.sql",
            sql=text,
            dialect=dialect,
            inputs=inputs,
            stage=self.place.ref(target, stage_name(self.federator.run, unique_id)),
            **{"pushdown": Pushdown.AUTO, **more},
        )

    def model(self, name: str, sql: str, target: str, publisher: Any = None, **more: Any) -> Any:
        """Federate a node and tell the run that its table was written."""
        request = self.request(name, sql, target, **more)
        outcome = self.federator.federate(request, publisher or Renaming(self, name))
        self.federator.wrote(target, self.place.ref(target, name))
        return outcome

    def rows(self, target: str, name: str) -> list[tuple[Any, ...]]:
        return self.place.query(target, f'SELECT * FROM "{name}" ORDER BY ALL')


@dataclass
class Renaming:
    """A Publisher: the stage table becomes the node's, in one transaction."""

    run: Run
    name: str

    def publish(self, load: Load) -> int:
        cursor = FILES.connect(str(self.run.place.outputs[load.stage.connection]["path"]))
        with self.run._publishing:
            cursor.execute("BEGIN")
            cursor.execute(f'DROP TABLE IF EXISTS "{self.name}"')
            cursor.execute(f'ALTER TABLE "{load.stage.identifier}" RENAME TO "{self.name}"')
            cursor.execute("COMMIT")
        cursor.close()
        return -1
