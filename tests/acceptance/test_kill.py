"""kill -9 at random points of a federated build: every target holds the old or the new table."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.acceptance.project import Project
from tests.databases.mariadb import USER as MARIADB_USER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

KILLS = int(os.environ.get("DVT_TEST_KILLS", "2"))
"""Builds killed on PostgreSQL (`make test-long`: 30)."""
MARIADB_KILLS = int(os.environ.get("DVT_TEST_MARIADB_KILLS", "1"))
"""Builds killed on MariaDB (`make test-long`: 50)."""
ROWS = 200_000
"""Rows of the source, and of every table that is built from it."""


class Shop:
    """A source whose rows carry a version, and models that copy it to a server and to a DuckDB file."""

    def __init__(self, root: Path, server: Any) -> None:
        self.root, self.server = root, server
        self.sqlite = root / "crm.sqlite"
        with closing(sqlite3.connect(self.sqlite)) as sqlite, sqlite:
            sqlite.execute("CREATE TABLE facts (id INTEGER PRIMARY KEY, version INTEGER, word TEXT)")
            rows = ((number, 0, f"word {number}") for number in range(ROWS))
            sqlite.executemany("INSERT INTO facts VALUES (?, ?, ?)", rows)
        outputs = {
            "server": server.settings(schema="killed"),
            "twin": server.settings(),
            "duck": {"type": "duckdb", "path": str(root / "warehouse.duckdb")},
            "sqlite": {"type": "sqlite", "path": str(self.sqlite)},
        }
        self.project = Project(root, outputs, default="duck")
        self.project.source("sqlite", "sqlite", ["facts"], schema="main")
        facts = "SELECT id, version, word FROM {{ source('sqlite', 'facts') }}"
        for target in ("server", "duck"):
            self.project.model(f"swapped_{target}", facts, target=target, materialized="table")
            self.project.model(f"kept_{target}", facts, target=target, materialized="table", publish="keep")
        self.project.model(
            "grown_server", facts, target="server", materialized="incremental", unique_key="id"
        )
        self.on_server = {"swapped_server", "kept_server", "grown_server"}

    def add_answered(self) -> None:
        """Add models that the server answers for another output, from a table of its own."""
        self._make_facts()
        self.project.source("answered", "twin", ["killed_facts"], schema="shop")
        facts = "SELECT id, version, word FROM {{ source('answered', 'killed_facts') }}"
        config = {"target": "server", "compute": "source", "materialized": "table"}
        self.project.model("answered_table", facts, **config)
        self.on_server |= {"answered_table"}
        if self.server.name != "postgres":
            return
        contract = {"contract": {"enforced": True}}
        columns = {"id": "integer", "version": "integer", "word": "text"}
        described = [{"name": name, "data_type": type_} for name, type_ in columns.items()]
        properties = {"models": [{"name": "answered_contract", "config": contract, "columns": described}]}
        self.project.file("models/answered.yml", yaml.safe_dump(properties))
        self.project.model("answered_contract", facts, **config)
        self.on_server |= {"answered_contract"}

    def add_native(self) -> None:
        """Add two models that the server builds itself, from a table of its own."""
        self._make_facts()
        self.project.source("native", "server", ["killed_facts"], schema="shop")
        native = "SELECT id, version FROM {{ source('native', 'killed_facts') }}"
        self.project.model("native_table", native, target="server", materialized="table")
        self.project.model(
            "native_grown", native, target="server", materialized="incremental", unique_key="id"
        )
        self.on_server |= {"native_table", "native_grown"}

    def _make_facts(self) -> None:
        rows = f"generate_series(1, {ROWS}) AS id" if self.server.name == "postgres" else f"seq_1_to_{ROWS}"
        number = "id" if self.server.name == "postgres" else "seq"
        self.server.execute(
            "DROP TABLE IF EXISTS killed_facts",
            f"CREATE TABLE killed_facts AS SELECT {number} AS id, 0 AS version, "
            f"concat('word ', {number}) AS word FROM {rows}",
        )

    def set_version(self, version: int) -> None:
        """Give every source row this version."""
        with closing(sqlite3.connect(self.sqlite)) as sqlite, sqlite:
            sqlite.execute("UPDATE facts SET version = ?", (version,))
        if self.on_server & {"native_table", "answered_table"}:
            self.server.execute(f"UPDATE killed_facts SET version = {version}")

    def run(self) -> None:
        """Build everything; a failure notes what the server was running."""
        try:
            self.project.dvt("run", "--threads", "2").ok()
        except AssertionError as error:
            error.add_note("\n".join(map(str, self.server.running())))
            raise

    def versions(self) -> dict[str, list[tuple[int, int]]]:
        """Return table → its versions, each with the number of rows."""
        sql = "SELECT version, count(*) FROM {} GROUP BY version ORDER BY version"
        versions = {}
        for table in sorted(self.on_server):
            versions[table] = self.server.execute(sql.format(f"killed.{table}"))
        with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as warehouse:
            for table in ("swapped_duck", "kept_duck"):
                versions[table] = warehouse.execute(sql.format(table)).fetchall()
        return versions

    def other_tables(self) -> list[str]:
        """Return the tables on the targets that no model made."""
        with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as warehouse:
            tables = warehouse.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        tables_sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'killed'"
        tables += self.server.execute(tables_sql)
        models = self.on_server | {"swapped_duck", "kept_duck"}
        return [name for (name,) in tables if name not in models]


def wait_for_duckdb(file: Path) -> None:
    """Wait until the killed process's lock on the file is released."""
    deadline = time.monotonic() + 60
    while True:
        try:
            duckdb.connect(str(file), read_only=True).close()
        except duckdb.IOException:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def kill_repeatedly(shop: Shop, times: int, build_seconds: float) -> None:
    """Kill builds at random points; check the tables after each, and after the next build.

    `build_seconds`: seconds of one undisturbed build.
    """
    rng = random.Random(20_240_229)
    killed = version = 0
    while killed < times:
        version += 1
        shop.set_version(version)
        process = shop.project.start("run", "--threads", "2")
        # Python starts and dbt parses in about the first half, when there is nothing to leave behind.
        time.sleep(build_seconds * rng.uniform(0.4, 1.0))
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), output
        killed += process.returncode == -signal.SIGKILL
        wait_for_duckdb(shop.root / "warehouse.duckdb")
        for table, versions in shop.versions().items():
            assert versions in ([(version - 1, ROWS)], [(version, ROWS)]), (killed, table, versions)
        shop.run()
        assert all(versions == [(version, ROWS)] for versions in shop.versions().values())
        assert shop.other_tables() == []
    assert not list((shop.root / ".dvt" / "staging").glob("*"))


def seconds(run: Callable[[], None]) -> float:
    started = time.monotonic()
    run()
    return time.monotonic() - started


def test_a_killed_build_leaves_old_or_new_and_the_next_run_succeeds(postgres: Any, tmp_path: Path) -> None:
    postgres.execute("DROP SCHEMA IF EXISTS killed CASCADE")
    shop = Shop(tmp_path, postgres)
    shop.add_answered()
    build_seconds = seconds(shop.run)
    # A vacuum amid a delete and insert of all rows may take the table for an empty one; the server then
    # chooses a plan for the next delete that takes hours. The SQL is dbt's, the plan the server's.
    postgres.execute("ALTER TABLE killed.grown_server SET (autovacuum_enabled = off)")
    kill_repeatedly(shop, KILLS, build_seconds)


def test_a_killed_build_leaves_old_or_new_on_mariadb_wherever_it_is_computed(
    databases: Callable[[str], Any], tmp_path: Path
) -> None:
    """DDL commits on MariaDB: a kill between the steps of a publication leaves what the next run undoes."""
    mariadb = databases("usual_mariadb")
    mariadb.execute(
        "DROP SCHEMA IF EXISTS killed",
        f"GRANT ALL ON killed.* TO '{MARIADB_USER}'@'127.0.0.1'",
    )
    shop = Shop(tmp_path, mariadb)
    shop.add_native()
    shop.add_answered()
    kill_repeatedly(shop, MARIADB_KILLS, seconds(shop.run))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("where", ["extract", "answer", "publish"])
def test_a_killed_runs_statements_end_on_the_server(postgres: Any, tmp_path: Path, where: str) -> None:
    """A statement that went on unseen would keep its locks, and the next run would wait for them."""
    postgres.execute(
        "DROP SCHEMA IF EXISTS killed CASCADE",
        "CREATE SCHEMA killed",
        "CREATE VIEW killed.slowly AS SELECT 1 AS id FROM pg_sleep(120)",
        "GRANT ALL ON SCHEMA killed TO PUBLIC",
        "GRANT SELECT ON killed.slowly TO PUBLIC",
        "CREATE TABLE killed.quickly AS SELECT 1 AS id",
        "GRANT SELECT ON killed.quickly TO PUBLIC",
    )
    outputs = {
        "pg": postgres.settings(schema="killed"),
        "pg_target": postgres.settings(schema="killed"),
        "duck": {"type": "duckdb", "path": str(tmp_path / "warehouse.duckdb")},
    }
    project = Project(tmp_path, outputs, default="duck")
    table = "quickly" if where == "publish" else "slowly"
    project.source("pg", "pg", [table], schema="killed")
    hook = {"post_hook": "SELECT pg_sleep(120)"} if where == "publish" else {}
    project.model("local", "SELECT 1 AS id")
    remote = f"SELECT s.id FROM {{{{ source('pg', '{table}') }}}} AS s"
    sql = f"{remote} JOIN {{{{ ref('local') }}}} AS n ON n.id = s.id"
    if where == "answer":
        project.model("remote", remote, target="pg_target", materialized="table", compute="source")
    else:
        project.model("remote", sql, target="pg" if hook else "duck", materialized="table", **hook)
    process = project.start("run")
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    while postgres.execute(sleeping) == [(0,)]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 60
    while postgres.running():
        assert time.monotonic() < deadline, postgres.running()
        time.sleep(0.05)
