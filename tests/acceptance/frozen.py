"""A project whose server is behind a proxy that freezes, and models that read, fill and use it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from tests.acceptance.project import Project
from tests.databases.mariadb import USER as MARIADB_USER
from tests.databases.proxy import Proxy

ROWS = 60_000
"""Rows of each source table, and of each model."""
SOURCES = frozenset({"facts", "lazy"})
MODELS = frozenset({"extracted", "loaded", "native", "answered"})
SCHEMA = "frozen"
"""The schema on the server that models are built in."""


class FrozenShop:
    """Models of source rows that carry a version: `extracted`, `loaded`, `native` and `answered`.

    The last is computed behind the proxy for a target that is the same server, without it.
    """

    def __init__(self, root: Path, server: Any, network: Proxy, **keys: Any) -> None:
        self.server, self.network = server, network
        self.sqlite, self.warehouse = root / "crm.sqlite", root / "warehouse.duckdb"
        with closing(sqlite3.connect(self.sqlite)) as crm, crm:
            crm.execute("CREATE TABLE cards (id INTEGER PRIMARY KEY, version INTEGER, word TEXT)")
            rows = ((number, 0, f"{number:x}" * 9) for number in range(ROWS))
            crm.executemany("INSERT INTO cards VALUES (?, ?, ?)", rows)
        self._set_up_server()
        outputs = {
            "server": server.settings(schema=SCHEMA, port=network.port, **keys),
            "duck": {"type": "duckdb", "path": str(self.warehouse)},
            "crm": {"type": "sqlite", "path": str(self.sqlite)},
            "straight": server.settings(schema=SCHEMA, **keys),
        }
        self.project = Project(root, outputs, default="duck")
        self.project.source("crm", "crm", ["cards"], schema="main")
        self.project.source("erp", "server", ["facts"], schema=SCHEMA)
        for name, source, target in (
            ("extracted", "source('erp', 'facts')", "duck"),
            ("loaded", "source('crm', 'cards')", "server"),
            ("native", "source('erp', 'facts')", "server"),
            ("answered", "source('erp', 'facts')", "straight"),
        ):
            sql = f"SELECT id, version, word FROM {{{{ {source} }}}}"
            place = {"compute": "source"} if name == "answered" else {}
            self.project.model(name, sql, target=target, materialized="table", **place)

    def _set_up_server(self) -> None:
        postgres = self.server.name == "postgres"
        rows = f"generate_series(1, {ROWS})" if postgres else f"seq_1_to_{ROWS}"
        column = "generate_series" if postgres else "seq"
        self.server.execute(
            f"DROP SCHEMA IF EXISTS {SCHEMA}{' CASCADE' if postgres else ''}",
            f"CREATE SCHEMA {SCHEMA}",
            f"CREATE TABLE {SCHEMA}.facts AS SELECT {column} AS id, 0 AS version,"
            f" repeat(cast({column} as char(9)), 9) AS word FROM {rows}",
            *((f"GRANT ALL ON SCHEMA {SCHEMA} TO PUBLIC",) if postgres else ()),
            self.grant(f"{SCHEMA}.facts"),
        )

    def grant(self, table: str) -> str:
        """Return the statement that lets dvt's user do anything with a table, on MariaDB with all of them."""
        if self.server.name == "postgres":
            return f"GRANT ALL ON {table} TO PUBLIC"
        return f"GRANT ALL ON {SCHEMA}.* TO '{MARIADB_USER}'@'127.0.0.1'"

    def set_version(self, version: int) -> None:
        """Give every source row this version."""
        with closing(sqlite3.connect(self.sqlite)) as crm, crm:
            crm.execute("UPDATE cards SET version = ?", (version,))
        self.server.execute(f"UPDATE {SCHEMA}.facts SET version = {version}")

    def versions(self) -> dict[str, list[tuple[int, int]]]:
        """Return model → its versions, each with the number of rows."""
        sql = "SELECT version, count(*) FROM {} GROUP BY version ORDER BY version"
        versions = {
            name: self.server.execute(sql.format(f"{SCHEMA}.{name}")) for name in MODELS - {"extracted"}
        }
        with duckdb.connect(str(self.warehouse), read_only=True) as warehouse:
            versions["extracted"] = warehouse.execute(sql.format("extracted")).fetchall()
        return versions

    def other_tables(self) -> list[str]:
        """Return the tables on the targets that are neither a source nor a model."""
        with duckdb.connect(str(self.warehouse), read_only=True) as warehouse:
            tables = warehouse.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        tables += self.server.execute(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{SCHEMA}'"
        )
        return [name for (name,) in tables if name not in SOURCES | MODELS]

    def assert_old_or_new(self, version: int) -> None:
        """Assert that each model has all its rows, of this version or all of the one before."""
        for name, versions in self.versions().items():
            assert versions in ([(version - 1, ROWS)], [(version, ROWS)]), (name, versions)

    def assert_next_run_is_right(self, version: int) -> None:
        """Build everything over a network that flows; assert that nothing else is left."""
        self.project.dvt("run", "--threads", "2").ok()
        assert all(versions == [(version, ROWS)] for versions in self.versions().values())
        assert self.other_tables() == []
