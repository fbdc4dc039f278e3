"""Federated nodes with MariaDB as their target: loads, refused files, a killed load's stage table."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import Cancelled, DvtError
from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import Workspace
from tests.databases.mariadb import SCHEMA, MariaDB

pytestmark = pytest.mark.slow

MANY_ROWS = "SELECT i AS id, md5(i::VARCHAR) AS word FROM {wh.facts}, range(20000) r(j)"
LOAD_SCRIPT = """
import json, sys
from pathlib import Path
from tests.acceptance.test_federate_mariadb import MANY_ROWS, MariaDBWorkspace
workspace = MariaDBWorkspace(Path(sys.argv[1]))
workspace.outputs.update(json.loads(sys.stdin.read()))
with workspace.run() as run:
    run.model("killed", MANY_ROWS, "my")
"""


class MariaDBWorkspace(Workspace):
    """A workspace with a MariaDB output `my`."""

    server: MariaDB

    def ref(self, connection: str, table: str) -> TableRef:
        if connection == "my":
            return TableRef(connection="my", schema=SCHEMA, identifier=table)
        return super().ref(connection, table)

    def stage_tables(self) -> list[str]:
        """Return the names of the stage tables on the server."""
        rows = self.server.execute(
            f"select table_name from information_schema.tables where table_schema = '{SCHEMA}' "
            "and table_name regexp '^dvt_[a-z0-9]+_[0-9a-f]{16}$'"
        )
        return [name for (name,) in rows]


class MariaDBPublisher:
    """A Publisher that puts the stage table in the place of the node's table, by one RENAME statement."""

    def __init__(self, workspace: MariaDBWorkspace, name: str) -> None:
        self._workspace, self._name = workspace, name

    def publish(self, load: Load) -> int:
        server, name = self._workspace.server, f"{SCHEMA}.`{self._name}`"
        server.execute(
            f"create table if not exists {name} (old int)",
            f"rename table {name} to {SCHEMA}.`{self._name}_old`, {server.quoted(load.stage)} to {name}",
            f"drop table {SCHEMA}.`{self._name}_old`",
        )
        return -1


@pytest.fixture
def workspace(tmp_path: Path, databases: Any) -> Iterator[MariaDBWorkspace]:
    workspace = MariaDBWorkspace(tmp_path)
    workspace.server = databases("mariadb")
    workspace.outputs["my"] = workspace.server.settings()
    workspace.duckdb("wh", "CREATE TABLE facts AS SELECT i, i % 7 AS g FROM range(100) t(i)")
    yield workspace
    FILES.close()


SUMS = "SELECT g, sum(i) AS total FROM {wh.facts} GROUP BY g"


def test_rows_are_unchanged_after_the_way_into_mariadb_and_back(workspace: MariaDBWorkspace) -> None:
    with workspace.run() as run:
        run.model("sums", SUMS, "my", MariaDBPublisher(workspace, "sums"))
        run.model("back", "SELECT g, total FROM {my.sums}", "wh")
        assert run.rows("wh", "back") == workspace.query(
            "wh", "SELECT g, sum(i)::DECIMAL(38,0) FROM facts GROUP BY g ORDER BY g"
        )
        assert run.reporter.notices == []
    assert workspace.stage_tables() == []


SIZES = """
SELECT k + 0 AS moved, k % 2 AS odd, sum((k = 1) + (i > 1)) AS points, avg(k = 1) AS share, sum(i) AS total,
    avg(x) AS mean, sum(x * k) AS worth, max(x) AS most, count(*) AS many, concat(k, ':') AS label,
    if(k > 1, 'many', 'one') AS word, round(sum(x) / count(*), 2) AS each_one
FROM {facts} GROUP BY k
"""
"""A model of which MariaDB knows the sizes; `{facts}` is its table."""


def test_computed_outputs_have_the_sizes_that_the_server_gives_them(workspace: MariaDBWorkspace) -> None:
    columns, server = "(i int, k smallint, x decimal(10,2))", workspace.server
    workspace.duckdb("wh", f"CREATE TABLE sized {columns}", "INSERT INTO sized SELECT i, g, i / 4 FROM facts")
    native = SIZES.format(facts="native_facts")
    server.execute(
        f"USE {SCHEMA}",
        "SET sql_mode = 'STRICT_TRANS_TABLES'",
        f"CREATE OR REPLACE TABLE native_facts {columns}",
        "INSERT INTO native_facts SELECT seq, seq % 7, seq / 4 FROM seq_0_to_99",
        f"CREATE OR REPLACE TABLE native AS {native}",
        "DROP TABLE IF EXISTS model",
    )
    with workspace.run() as run:
        publisher = MariaDBPublisher(workspace, "model")
        sql = SIZES.format(facts="{wh.sized}")
        run.model("model", sql, "my", publisher, dialect="mysql", compute="duckdb")
        plan = run.federator.plan(run.request("model", sql, "my", dialect="mysql", compute="duckdb"))
    planned = [column.native.partition(" COLLATE ")[0] for column in plan.load.columns]
    assert planned == [row[1] for row in server.execute(f"SHOW COLUMNS FROM {SCHEMA}.native")]
    for question in ("SHOW COLUMNS FROM {}", "SELECT * FROM {} ORDER BY 1, 2"):
        model, expected = (
            server.execute(question.format(f"{SCHEMA}.{name}")) for name in ("model", "native")
        )
        if question.startswith("SHOW"):  # whether a column may be NULL is another matter
            model, expected = ([row[:2] for row in rows] for rows in (model, expected))
        assert model == expected


def test_one_warning_names_the_setting_where_files_are_refused(workspace: MariaDBWorkspace) -> None:
    workspace.server.execute("set global local_infile = 0")
    try:
        with workspace.run() as run:
            for name in ("first", "second"):
                run.model(name, SUMS, "my", MariaDBPublisher(workspace, name))
        notices = {(notice.code, notice.message, notice.hint) for _, notice in run.reporter.notices}
        [(code, message, hint)] = notices
        assert code == "DVT024"
        assert "'my'" in message
        assert "local_infile = ON" in hint
        assert len(workspace.server.execute(f"select * from {SCHEMA}.second")) == 7
    finally:
        workspace.server.execute("set global local_infile = 1")


def test_a_run_cancelled_during_a_load_leaves_no_stage_table(workspace: MariaDBWorkspace) -> None:
    failures: list[BaseException] = []
    with workspace.run() as run:

        def federate() -> None:
            try:
                run.model("stopped", MANY_ROWS, "my", MariaDBPublisher(workspace, "stopped"))
            except DvtError as error:
                failures.append(error)

        thread = threading.Thread(target=federate)
        thread.start()
        _wait_for_load(workspace)
        run.federator.cancel()
        thread.join(60)
        assert not thread.is_alive()
    assert [type(error) for error in failures] == [Cancelled]
    assert workspace.stage_tables() == []


def test_the_next_run_drops_the_stage_table_of_a_killed_load(workspace: MariaDBWorkspace) -> None:
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", LOAD_SCRIPT, str(workspace.root)], cwd=root, stdin=subprocess.PIPE, text=True
    )
    FILES.close()
    assert process.stdin is not None
    process.stdin.write(json.dumps(workspace.outputs))
    process.stdin.close()
    _wait_for_load(workspace)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    assert len(workspace.stage_tables()) == 1
    with workspace.run() as run:
        run.model("after", SUMS, "my", MariaDBPublisher(workspace, "after"))
        assert run.reporter.notices == []
    assert (workspace.stage_tables(), workspace.staged(), workspace.records()) == ([], [], [])


def _wait_for_load(workspace: MariaDBWorkspace) -> None:
    deadline = time.monotonic() + 120
    while not any("LOAD DATA" in statement for statement in workspace.server.running()):
        assert time.monotonic() < deadline, "no load has begun"
        time.sleep(0.02)
