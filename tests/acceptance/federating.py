"""Federated nodes without dbt: requests as the bridge makes them, tables published by a rename."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import duckdb

from dvt.app.federation import make_federator
from dvt.core.names import TableRef, stage_name
from dvt.core.plan import Load
from dvt.core.ports.bridge import RunContext
from dvt.core.reports import Moved, Notice
from dvt.core.requests import Input, NodeRequest, Pushdown
from dvt.drivers.duckdb import FILES


@dataclass
class RecordingReporter:
    """A Reporter that keeps what it is told. Thread-safe."""

    movements: list[tuple[str, Moved]] = field(default_factory=list)
    notices: list[tuple[str, Notice]] = field(default_factory=list)

    def moved(self, node: str, moved: Moved) -> None:
        self.movements.append((node, moved))

    def progress(self, text: str) -> None:
        """Nobody watches."""

    def notice(self, node: str, notice: Notice) -> None:
        self.notices.append((node, notice))

    def extracted(self, *, reused: bool = False) -> list[str]:
        """Return the connections of the extractions, in their order."""
        return [
            movement.connection
            for _, movement in self.movements
            if movement.what == "extract" and movement.reused is reused
        ]


@dataclass
class Workspace:
    """The project folder and the outputs of one test."""

    root: Path
    outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def duckdb(self, name: str, *statements: str) -> str:
        """Make a DuckDB output and its file, and run statements there on a handle of their own."""
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
        """Query a DuckDB output, on the handle that the run shares."""
        cursor = FILES.connect(str(self.outputs[name]["path"]))
        try:
            return cursor.execute(sql).fetchall()
        finally:
            cursor.close()

    def tables(self, name: str) -> list[str]:
        return [row[0] for row in self.query(name, "SELECT table_name FROM duckdb_tables() ORDER BY 1")]

    def staged(self) -> list[str]:
        """Return the files under the staging folder."""
        root = self.root / ".dvt" / "staging"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def records(self) -> list[str]:
        root = self.root / ".dvt" / "operations"
        return sorted(path.name for path in root.glob("*")) if root.exists() else []

    def name(self, connection: str, table: str, target: str) -> tuple[str, ...]:
        """Return the name by which the SQL of a model on `target` names a table."""
        del target
        return (connection, "main", table)

    def run(self, **context: Any) -> Run:
        return Run(self, **context)

    def ref(self, connection: str, table: str) -> TableRef:
        if self.outputs[connection]["type"] == "duckdb":
            return TableRef(connection=connection, database=connection, schema="main", identifier=table)
        return TableRef(connection=connection, identifier=table)


class Run:
    """One run's Federator, with a publisher that renames as dbt's macros would."""

    def __init__(self, workspace: Workspace, **context: Any) -> None:
        self.workspace = workspace
        self.reporter = RecordingReporter()
        options = {"project_dir": workspace.root, "profiles_dir": workspace.root, "profile": "shop"} | context
        self.federator = make_federator(RunContext(outputs=workspace, reporter=self.reporter, **options))
        self._publishing = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.federator.close()

    def wait_for_query(self, connection: str) -> None:
        """Wait until a query has been running on a DuckDB output for ten polls: an endless one."""
        running = self.federator._resources.connections[connection].connector._running
        polls, deadline = 0, time.monotonic() + 60
        while polls < 10:
            assert time.monotonic() < deadline, "no query is running"
            polls = polls + 1 if running._queries else 0
            time.sleep(0.02)

    def is_computing(self) -> bool:
        """Return whether the default engine is running a query."""
        return bool(self.federator._resources.engines.named(None)._busy)

    def request(
        self, name: str, sql: str, target: str, *, dialect: str = "duckdb", **options: Any
    ) -> NodeRequest:
        """Return a node's request; its SQL names tables as `{connection.table}`, and its own as `{this}`."""
        inputs: dict[str, Input] = {}
        text, quote = sql, "`" if dialect == "mysql" else '"'
        for connection in self.workspace.outputs:
            while f"{{{connection}." in text:
                table = text.split(f"{{{connection}.", 1)[1].split("}", 1)[0]
                unique_id = f"source.shop.{connection}.{table}"
                parts = self.workspace.name(connection, table, target)
                inputs[unique_id] = Input(
                    table=self.workspace.ref(connection, table), unique_id=unique_id, name=parts
                )
                text = text.replace(f"{{{connection}.{table}}}", _quoted(parts, quote))
        unique_id = f"model.shop.{name}"
        if "{this}" in text:
            table = self.workspace.ref(target, name)
            parts = (target, "this", name)
            inputs[unique_id] = Input(table=table, unique_id=unique_id, name=parts, this=True)
            text = text.replace("{this}", _quoted(parts, quote))
        return NodeRequest(
            unique_id=unique_id,
            name=name,
            file=f"models/{name}.sql",
            sql=text,
            dialect=dialect,
            inputs=inputs,
            stage=self.workspace.ref(target, stage_name(self.federator.run, unique_id)),
            **{"pushdown": Pushdown.AUTO, **options},
        )

    def model(self, name: str, sql: str, target: str, publisher: Any = None, **options: Any) -> Any:
        """Federate a node and tell the run that its table was written."""
        request = self.request(name, sql, target, **options)
        outcome = self.federator.federate(request, publisher or RenamingPublisher(self, name))
        self.federator.wrote(target, self.workspace.ref(target, name))
        return outcome

    def rows(self, target: str, name: str) -> list[tuple[Any, ...]]:
        return self.workspace.query(target, f'SELECT * FROM "{name}" ORDER BY ALL')


def _quoted(parts: tuple[str, ...], quote: str) -> str:
    return ".".join(f"{quote}{part}{quote}" for part in parts)


@dataclass
class RenamingPublisher:
    """A Publisher that renames the stage table to the node's name, in one transaction."""

    run: Run
    name: str

    def publish(self, load: Load) -> int:
        cursor = FILES.connect(str(self.run.workspace.outputs[load.stage.connection]["path"]))
        with self.run._publishing:
            cursor.execute("BEGIN")
            cursor.execute(f'DROP TABLE IF EXISTS "{self.name}"')
            cursor.execute(f'ALTER TABLE "{load.stage.identifier}" RENAME TO "{self.name}"')
            cursor.execute("COMMIT")
        cursor.close()
        return -1
