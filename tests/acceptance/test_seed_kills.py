"""Seeds with `engine: dvt` that are stopped in the middle: each table is old or new, and nothing stays."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from tests.acceptance.project import Project
from tests.databases.mariadb import USER as MARIADB_USER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

STOPS = int(os.environ.get("DVT_TEST_SEED_KILLS", "2"))
"""Seeds that are stopped, on each server, by each signal (`make test-long`: 10)."""
ROWS = 40_000
"""Rows of each seed."""


RESTORES = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""Python: a shell's background job ignores Ctrl-C, and so would all that it starts."""
DVT = (sys.executable, "-c", f"{RESTORES}; from dvt.cli.main import main; main()")


class Seeds:
    """A CSV and a Parquet seed whose rows carry a version, on a server."""

    def __init__(self, root: Path, server: Any) -> None:
        self.root, self.server = root, server
        seeds = {"shop": {"+engine": "dvt", "fresh": {"+full_refresh": True}}}
        outputs = {"server": server.settings(schema="seeded")}
        self.project = Project(root, outputs, default="server", config={"seeds": seeds})
        (root / "seeds").mkdir()

    def set_version(self, version: int) -> None:
        """Write the files anew; the table of `fresh` is made anew each time, that of `kept` is kept."""
        numbers = pa.array(range(ROWS))
        words = pa.array([f"word {number}" for number in range(ROWS)])
        table = pa.table({"id": numbers, "version": pa.array([version] * ROWS), "word": words})
        csv.write_csv(table, self.root / "seeds/kept.csv")
        parquet.write_table(table, self.root / "seeds/fresh.parquet")

    def versions(self) -> dict[str, list[tuple[int, int]]]:
        """Return table → its versions, each with the number of rows."""
        sql = "SELECT version, count(*) FROM seeded.{} GROUP BY version"
        return {table: self.server.execute(sql.format(table)) for table in ("kept", "fresh")}

    def other_tables(self) -> list[str]:
        sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'seeded'"
        return [name for (name,) in self.server.execute(sql) if name not in {"kept", "fresh"}]

    def left(self) -> list[Path]:
        """Return what is left of runs in the project's folder."""
        folders = (self.root / ".dvt" / "staging", self.root / ".dvt" / "scratch")
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(params=["postgres", pytest.param("mariadb", marks=pytest.mark.long)])
def seeds(request: pytest.FixtureRequest, databases: Callable[[str], Any], tmp_path: Path) -> Seeds:
    if request.param == "postgres":
        server = databases("postgres")
        server.execute("DROP SCHEMA IF EXISTS seeded CASCADE")
    else:
        server = databases("usual_mariadb")
        grant = f"GRANT ALL ON seeded.* TO '{MARIADB_USER}'@'127.0.0.1'"
        server.execute("DROP SCHEMA IF EXISTS seeded", grant)
    return Seeds(tmp_path, server)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGKILL, id="kill"),
        pytest.param(signal.SIGINT, id="Ctrl-C", marks=pytest.mark.long),
    ],
)
def test_a_stopped_seed_leaves_old_or_new_and_nothing_else(seeds: Seeds, number: signal.Signals) -> None:
    seeds.set_version(0)
    started = time.monotonic()
    seeds.project.dvt("seed").ok()
    seconds = time.monotonic() - started
    chosen = random.Random(number)
    stopped = version = 0
    while stopped < STOPS:
        version += 1
        assert version < 5 * STOPS, "it is hardly ever stopped"
        seeds.set_version(version)
        process = seeds.project.start("seed", command=DVT)
        # Python starts and dbt parses in about the first third, when there is nothing to leave behind.
        time.sleep(seconds * chosen.uniform(0.3, 0.95))
        process.send_signal(number)
        output, _ = process.communicate(timeout=120)
        stopped += process.returncode != 0
        for table, versions in seeds.versions().items():
            assert versions in ([(version - 1, ROWS)], [(version, ROWS)]), (table, versions, output)
        if number == signal.SIGINT:
            assert (seeds.other_tables(), seeds.left()) == ([], []), output
        seeds.project.dvt("seed").ok()
        assert seeds.versions() == {"kept": [(version, ROWS)], "fresh": [(version, ROWS)]}
        assert (seeds.other_tables(), seeds.left()) == ([], [])


def test_after_a_clean_the_next_run_still_removes_a_killed_seeds_table(seeds: Seeds) -> None:
    seeds.set_version(0)
    process = seeds.project.start("seed")
    deadline = time.monotonic() + 60
    while not seeds.other_tables():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    seeds.project.dvt("clean").ok()
    assert seeds.left() == []
    seeds.project.dvt("seed").ok()
    assert (seeds.other_tables(), seeds.left()) == ([], [])
