"""A dbt project over several databases, which tests write, run in this process and inspect."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pymysql
import yaml

SOURCES: dict[str, Any] = {
    "version": 2,
    "sources": [
        {
            "name": "crm",
            "config": {"connection": "lite"},
            "tables": [{"name": "customers"}, {"name": "Odd Names", "identifier": "Odd Table"}],
        },
        {
            "name": "ledger",
            "schema": "main",
            "config": {"connection": "other"},
            "tables": [{"name": "orders"}],
        },
    ],
}


@dataclass
class Project:
    """A project's folder, its outputs, and the result and events of its last command."""

    root: Path
    outputs: Mapping[str, Mapping[str, Any]]
    target: str
    make_federator: Callable[[Any], Any] | None = None
    events: list[Any] = field(default_factory=list)
    result: Any = None

    def __post_init__(self) -> None:
        # dbt takes a relative path of a DuckDB file from the working directory, not from the project's.
        self.outputs = {
            name: {**keys, "path": str(self.root / keys["path"])} if "path" in keys else dict(keys)
            for name, keys in self.outputs.items()
        }
        self.write("dbt_project.yml", {"name": "shop", "version": "1.0", "profile": "shop", "flags": {}})
        profile = {"target": self.target, "outputs": self.outputs}
        self.write("profiles.yml", {"shop": profile})
        self.write("models/sources.yml", SOURCES)

    def write(self, path: str, content: str | Mapping[str, Any]) -> None:
        """Write a file of the project; a mapping becomes YAML."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(dict(content), sort_keys=False)
        file.write_text(text, encoding="utf-8")

    def model(self, name: str, sql: str, **config: Any) -> None:
        """Write a model with its configs, whose Python literals are Jinja literals as well."""
        arguments = ", ".join(f"{key}={value!r}" for key, value in config.items())
        head = f"{{{{ config({arguments}) }}}}\n" if arguments else ""
        self.write(f"models/{name}.sql", f"{head}{sql}\n")

    def quoted(self, name: str) -> str:
        """Return a name quoted for the default target's SQL."""
        mark = "`" if self.outputs[self.target]["type"] == "mariadb" else '"'
        return f"{mark}{name}{mark}"

    def drop_model(self, name: str) -> None:
        (self.root / f"models/{name}.sql").unlink()

    def dvt(self, *args: str) -> bool:
        """Run a command and return whether it succeeded."""
        from dvt.app.commands import COMMANDS
        from dvt.app.federation import make_federator
        from dvt.dbt_bridge.entry.invoke import invoke

        self.events.clear()
        folders = ["--project-dir", str(self.root), "--profiles-dir", str(self.root), "--no-use-colors"]
        factory = self.make_federator or make_federator
        self.result = invoke(
            [*args, *folders],
            factory,
            COMMANDS,
            manifest=None,
            callbacks=[self.events.append],
            parameters={},
        )
        return bool(self.result.success)

    def forget(self) -> None:
        """Release what dbt's last command left."""
        self.events.clear()
        self.result = None

    def messages(self) -> str:
        """Return the text of all events that the last command showed its user."""
        return "\n".join(event.info.msg for event in self.events if event.info.level != "debug")

    def run_results(self) -> dict[str, dict[str, Any]]:
        """Return the results of run_results.json by the nodes' names."""
        path = self.root / "target" / "run_results.json"
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
        return {result["unique_id"].rsplit(".", 1)[-1]: result for result in results}

    def results_by_id(self) -> dict[str, dict[str, Any]]:
        """Return the results of run_results.json by the nodes' unique ids."""
        path = self.root / "target" / "run_results.json"
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
        return {result["unique_id"]: result for result in results}

    def rows(self, output: str, sql: str) -> list[tuple[Any, ...]]:
        """Query a database directly, without dvt and dbt."""
        settings = self.outputs[output]
        with closing(_connect(settings)) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def tables(self, output: str = "house") -> list[tuple[str, str]]:
        """Return names and types of the tables in an output's schema."""
        schema = self.outputs[output]["schema"]
        query = "select table_name, table_type from information_schema.tables where table_schema = "
        return [(str(name), str(kind)) for name, kind in self.rows(output, f"{query}'{schema}' order by 1")]

    def run_sql(self, output: str, *statements: str) -> None:
        """Run statements on a database directly, without dvt and dbt."""
        with closing(_connect(self.outputs[output])) as connection:
            for sql in statements:
                connection.cursor().execute(sql)
            connection.commit()


def _connect(settings: Mapping[str, Any]) -> Any:
    if settings["type"] == "duckdb":
        return duckdb.connect(settings["path"])
    if settings["type"] == "sqlite":
        return sqlite3.connect(settings["path"])
    if settings["type"] == "mariadb":
        words = {ours: settings[key] for key, ours in _MARIADB.items()}
        return pymysql.connect(**words, init_command=_SESSION)
    keys = {"host": "host", "port": "port", "user": "user", "pass": "password", "dbname": "dbname"}
    search_path = f"-c search_path={settings['schema']}"
    return psycopg2.connect(**{ours: settings[key] for key, ours in keys.items()}, options=search_path)


_SESSION = "set session sql_mode = 'ANSI_QUOTES', time_zone = '+00:00'"
"""SQL: prepares a session of MariaDB for SQL that other databases read, too, and for the same instants."""
_MARIADB = {"host": "host", "port": "port", "user": "user", "password": "password", "schema": "database"}
LITE = {"type": "sqlite", "path": "crm.sqlite"}
OTHER = {"type": "duckdb", "path": "ledger.duckdb", "schema": "main"}
HOUSE = {"type": "duckdb", "path": "house.duckdb", "schema": "main"}


def fill_sources(project: Project) -> None:
    """Create customers in SQLite and orders in a DuckDB file."""
    project.run_sql(
        "lite",
        "create table customers (id integer, name text)",
        "insert into customers values (1, 'Ada'), (2, 'Bo'), (3, 'Cy')",
        'create table "Odd Table" ("Select" integer, "Two Words" text)',
        """insert into "Odd Table" values (1, 'one'), (2, 'two')""",
    )
    project.run_sql(
        "other",
        "create table orders (id bigint, customer bigint, amount decimal(10,2), placed timestamp)",
        "insert into orders values (10, 1, 5.50, '2024-01-01 10:00'), (11, 1, 4.50, '2024-01-02 11:00'), "
        "(12, 2, 1.00, '2024-01-03 12:00')",
    )


def make_role(postgres: Any, name: str) -> None:
    """Make a role, unless a test on the same server has: one with grants cannot be dropped."""
    if not postgres.execute(f"select 1 from pg_roles where rolname = '{name}'"):
        postgres.execute(f"create role {name}")
