"""Federated nodes with MariaDB as their target: loads, refused files, and what a killed load leaves."""

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
from tests.acceptance.federating import Place
from tests.databases.mariadb import SCHEMA, MariaDB

pytestmark = pytest.mark.slow

MANY = "SELECT i AS id, md5(i::VARCHAR) AS word FROM {wh.facts}, range(20000) r(j)"
LOADS = """
import json, sys
from pathlib import Path
from tests.acceptance.test_federate_mariadb import MANY, Target
place = Target(Path(sys.argv[1]))
place.outputs.update(json.loads(sys.stdin.read()))
with place.run() as run:
    run.model("killed", MANY, "my")
"""


class Target(Place):
    """A place with a MariaDB output `my`."""

    server: MariaDB

    def ref(self, connection: str, table: str) -> TableRef:
        if connection == "my":
            return TableRef(connection="my", schema=SCHEMA, identifier=table)
        return super().ref(connection, table)

    def left(self) -> list[str]:
        """Stage tables on the server."""
        found = self.server.execute(
            f"select table_name from information_schema.tables where table_schema = '{SCHEMA}' "
            "and table_name regexp '^dvt_[a-z0-9]+_[0-9a-f]{16}$'"
        )
        return [name for (name,) in found]


class Renaming:
    """A Publisher: what the node's table was goes, and the stage table takes its name, in one statement."""

    def __init__(self, place: Target, name: str) -> None:
        self._place, self._name = place, name

    def publish(self, load: Load) -> int:
        server, name = self._place.server, f"{SCHEMA}.`{self._name}`"
        server.execute(
            f"create table if not exists {name} (old int)",
            f"rename table {name} to {SCHEMA}.`{self._name}_old`, {server.quoted(load.stage)} to {name}",
            f"drop table {SCHEMA}.`{self._name}_old`",
        )
        return -1


@pytest.fixture
def place(tmp_path: Path, databases: Any) -> Iterator[Target]:
    place = Target(tmp_path)
    place.server = databases("mariadb")
    place.outputs["my"] = place.server.settings()
    place.duckdb("wh", "CREATE TABLE facts AS SELECT i, i % 7 AS g FROM range(100) t(i)")
    yield place
    FILES.close()


SUMS = "SELECT g, sum(i) AS total FROM {wh.facts} GROUP BY g"


def test_into_mariadb_and_out_again(place: Target) -> None:
    with place.run() as run:
        run.model("sums", SUMS, "my", Renaming(place, "sums"))
        run.model("back", "SELECT g, total FROM {my.sums}", "wh")
        assert run.rows("wh", "back") == place.query(
            "wh", "SELECT g, sum(i)::DECIMAL(38,0) FROM facts GROUP BY g ORDER BY g"
        )
        assert run.seen.notices == []
    assert place.left() == []


def test_where_files_are_refused_one_warning_names_the_setting(place: Target) -> None:
    place.server.execute("set global local_infile = 0")
    try:
        with place.run() as run:
            for name in ("first", "second"):
                run.model(name, SUMS, "my", Renaming(place, name))
        notices = {(notice.code, notice.message, notice.hint) for _, notice in run.seen.notices}
        [(code, message, hint)] = notices
        assert code == "DVT024"
        assert "'my'" in message
        assert "local_infile = ON" in hint
        assert len(place.server.execute(f"select * from {SCHEMA}.second")) == 7
    finally:
        place.server.execute("set global local_infile = 1")


def test_a_run_that_is_stopped_amid_a_load_leaves_nothing(place: Target) -> None:
    failures: list[BaseException] = []
    with place.run() as run:

        def federate() -> None:
            try:
                run.model("stopped", MANY, "my", Renaming(place, "stopped"))
            except DvtError as error:
                failures.append(error)

        federating = threading.Thread(target=federate)
        federating.start()
        _until_loading(place)
        run.federator.cancel()
        federating.join(60)
        assert not federating.is_alive()
    assert [type(one) for one in failures] == [Cancelled]
    assert place.left() == []


def test_what_a_killed_load_leaves_goes_with_the_next_run(place: Target) -> None:
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", LOADS, str(place.root)], cwd=root, stdin=subprocess.PIPE, text=True
    )
    FILES.close()
    assert process.stdin is not None
    process.stdin.write(json.dumps(place.outputs))
    process.stdin.close()
    _until_loading(place)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    assert len(place.left()) == 1
    with place.run() as run:
        run.model("after", SUMS, "my", Renaming(place, "after"))
        assert run.seen.notices == []
    assert (place.left(), place.staged(), place.records()) == ([], [], [])


def _until_loading(place: Target) -> None:
    deadline = time.monotonic() + 120
    while not any("LOAD DATA" in said for said in place.server.running()):
        assert time.monotonic() < deadline, "no load begins"
        time.sleep(0.02)
