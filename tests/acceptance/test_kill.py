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

from tests.acceptance.project import Project
from tests.databases.mariadb import USER as MARIADB_USER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

KILLS = int(os.environ.get("DVT_TEST_KILLS", "30"))
MARIADB_KILLS = int(os.environ.get("DVT_TEST_MARIADB_KILLS", "10"))
ROWS = 200_000


class Shop:
    """A source whose every row says its version; tables built from it on a server and in a DuckDB file."""

    def __init__(self, root: Path, server: Any) -> None:
        self.root, self.server = root, server
        self.lite = root / "crm.sqlite"
        with closing(sqlite3.connect(self.lite)) as lite, lite:
            lite.execute("CREATE TABLE facts (id INTEGER PRIMARY KEY, version INTEGER, word TEXT)")
            rows = ((number, 0, f"word {number}") for number in range(ROWS))
            lite.executemany("INSERT INTO facts VALUES (?, ?, ?)", rows)
        outputs = {
            "server": server.settings(schema="killed"),
            "duck": {"type": "duckdb", "path": str(root / "warehouse.duckdb")},
            "lite": {"type": "sqlite", "path": str(self.lite)},
        }
        self.project = Project(root, outputs, default="duck")
        self.project.source("lite", "lite", ["facts"], schema="main")
        facts = "SELECT id, version, word FROM {{ source('lite', 'facts') }}"
        for target in ("server", "duck"):
            self.project.model(f"swapped_{target}", facts, target=target, materialized="table")
            self.project.model(f"kept_{target}", facts, target=target, materialized="table", publish="keep")
        self.project.model(
            "grown_server", facts, target="server", materialized="incremental", unique_key="id"
        )
        self.on_server = {"swapped_server", "kept_server", "grown_server"}

    def add_native(self) -> None:
        """Two models more, which the server builds by itself from a table of its own."""
        self.server.execute(
            "DROP TABLE IF EXISTS killed_facts",
            f"CREATE TABLE killed_facts AS SELECT seq AS id, 0 AS version FROM seq_1_to_{ROWS}",
        )
        self.project.source("own", "server", ["killed_facts"], schema="shop")
        own = "SELECT id, version FROM {{ source('own', 'killed_facts') }}"
        self.project.model("native_table", own, target="server", materialized="table")
        self.project.model("native_grown", own, target="server", materialized="incremental", unique_key="id")
        self.on_server |= {"native_table", "native_grown"}

    def set(self, version: int) -> None:
        with closing(sqlite3.connect(self.lite)) as lite, lite:
            lite.execute("UPDATE facts SET version = ?", (version,))
        if "native_table" in self.on_server:
            self.server.execute(f"UPDATE killed_facts SET version = {version}")

    def run(self) -> None:
        """Build everything; one that hangs says what the server was doing."""
        try:
            self.project.dvt("run", "--threads", "2").ok()
        except AssertionError as error:
            error.add_note("\n".join(map(str, self.server.running())))
            raise

    def versions(self) -> dict[str, list[tuple[int, int]]]:
        """Table → (version, rows) in it."""
        ask = "SELECT version, count(*) FROM {} GROUP BY version ORDER BY version"
        found = {}
        for table in sorted(self.on_server):
            found[table] = self.server.execute(ask.format(f"killed.{table}"))
        with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as warehouse:
            for table in ("swapped_duck", "kept_duck"):
                found[table] = warehouse.execute(ask.format(table)).fetchall()
        return found

    def strangers(self) -> list[str]:
        """Tables on the targets that no model made."""
        with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as warehouse:
            tables = warehouse.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        asked = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'killed'"
        tables += self.server.execute(asked)
        known = self.on_server | {"swapped_duck", "kept_duck"}
        return [name for (name,) in tables if name not in known]


def wait_for_duckdb(file: Path) -> None:
    """A killed process's lock on the file is gone a moment after it."""
    deadline = time.monotonic() + 60
    while True:
        try:
            duckdb.connect(str(file), read_only=True).close()
        except duckdb.IOException:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def kill_again_and_again(shop: Shop, times: int, whole: float) -> None:
    """Builds that die at random points, each followed by one that does not; `whole`: seconds of one."""
    chance = random.Random(20_240_229)
    killed = version = 0
    while killed < times:
        version += 1
        shop.set(version)
        process = shop.project.start("run", "--threads", "2")
        # Nothing of interest happens while Python starts and dbt parses: the first half, about.
        time.sleep(whole * chance.uniform(0.4, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        wait_for_duckdb(shop.root / "warehouse.duckdb")
        for table, found in shop.versions().items():
            assert found in ([(version - 1, ROWS)], [(version, ROWS)]), (killed, table, found)
        shop.run()
        assert all(found == [(version, ROWS)] for found in shop.versions().values())
        assert shop.strangers() == []
    assert not list((shop.root / ".dvt" / "staging").glob("*"))


def seconds(run: Callable[[], None]) -> float:
    started = time.monotonic()
    run()
    return time.monotonic() - started


def test_old_or_new_and_the_next_run_is_right(postgres: Any, tmp_path: Path) -> None:
    postgres.execute("DROP SCHEMA IF EXISTS killed CASCADE")
    shop = Shop(tmp_path, postgres)
    whole = seconds(shop.run)
    # A vacuum that meets a delete and insert of all rows halfway may take the table for an empty one, and
    # the server then chooses a plan for the next delete that takes hours: its affair, and dbt's own SQL.
    postgres.execute("ALTER TABLE killed.grown_server SET (autovacuum_enabled = off)")
    kill_again_and_again(shop, KILLS, whole)


def test_old_or_new_on_mariadb_native_and_federated(mariadb: Any, tmp_path: Path) -> None:
    """DDL ends transactions there: every step of a publication leaves something that the next run undoes."""
    mariadb.execute(
        "DROP SCHEMA IF EXISTS killed",
        f"GRANT ALL ON killed.* TO '{MARIADB_USER}'@'127.0.0.1'",
    )
    shop = Shop(tmp_path, mariadb)
    shop.add_native()
    kill_again_and_again(shop, MARIADB_KILLS, seconds(shop.run))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("where", ["extract", "publish"])
def test_what_a_killed_run_asked_a_server_for_ends_with_it(postgres: Any, tmp_path: Path, where: str) -> None:
    """Else it goes on, unseen, and the next run waits for its locks."""
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
        "duck": {"type": "duckdb", "path": str(tmp_path / "warehouse.duckdb")},
    }
    project = Project(tmp_path, outputs, default="duck")
    table = {"extract": "slowly", "publish": "quickly"}[where]
    project.source("pg", "pg", [table], schema="killed")
    hook = {"post_hook": "SELECT pg_sleep(120)"} if where == "publish" else {}
    project.model("near", "SELECT 1 AS id")
    far = f"SELECT s.id FROM {{{{ source('pg', '{table}') }}}} AS s"
    sql = f"{far} JOIN {{{{ ref('near') }}}} AS n ON n.id = s.id"
    project.model("far", sql, target="pg" if hook else "duck", materialized="table", **hook)
    process = project.start("run")
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    while postgres.execute(asleep) == [(0,)]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 60
    while postgres.running():
        assert time.monotonic() < deadline, postgres.running()
        time.sleep(0.05)
