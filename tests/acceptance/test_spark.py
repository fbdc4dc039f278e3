"""Models that Spark computes: a project of the command, with the same models in DuckDB beside them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.acceptance.project import Project
from tests.acceptance.spark_shop import (
    CUSTOMERS,
    MODELS,
    ORDERS,
    java_processes,
    make_shop,
    query,
    spark_model,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return make_shop(tmp_path / "it's a shop")


def listening(processes: list[int]) -> set[str]:
    """Return the addresses at which processes wait for others."""
    sockets = [socket for pid in processes for socket in psutil.Process(pid).net_connections("inet")]
    return {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN}


def test_spark_and_duckdb_give_the_same_answers(shop: Project):
    for name, sql in MODELS.items():
        spark_model(shop, f"{name}_spark", sql)
        spark_model(shop, f"{name}_unpushed", sql, pushdown="off")
        spark_model(shop, f"{name}_own", sql, dialect="target")
        shop.model(f"{name}_duckdb", sql, materialized="table", compute="duckdb", dialect="duckdb")
    result = shop.dvt("run").ok()
    for name in MODELS:
        expected = query(shop, f"SELECT * FROM {name}_duckdb ORDER BY ALL")
        assert expected
        for made in ("spark", "unpushed", "own"):
            assert repr(query(shop, f"SELECT * FROM {name}_{made} ORDER BY ALL")) == repr(expected)
    types = (
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '{}' ORDER BY column_index"
    )
    assert query(shop, types.format("kept_spark")) == query(shop, types.format("kept_duckdb"))
    for name in MODELS:
        assert query(shop, types.format(f"{name}_own")) == query(shop, types.format(f"{name}_duckdb"))
    assert "compute spark" in result.output
    assert "WARN" not in result.output.replace("WARN=0", "")
    assert "hush-hush" not in result.output
    assert java_processes(shop.root) == []
    assert not list((shop.root / ".dvt" / "operations").glob("*/spill/*"))


def test_dialect_compute_is_sparks_and_its_functions_answer_as_in_spark(shop: Project):
    spark_model(
        shop,
        "own",
        f"SELECT element_at(array(1, 2, 3), -1) AS last, 7 / 2 AS half, "
        f"array_join(sort_array(collect_list(name)), '|') AS `the names` FROM {CUSTOMERS}",
        dialect="compute",
    )
    shop.dvt("run").ok()
    assert query(shop, "SELECT * FROM own") == [(3, 3.5, "ann|bob|it's Zoë 😀")]


@pytest.mark.long
def test_an_incremental_model_adds_the_new_rows_only(shop: Project):
    spark_model(
        shop,
        "log",
        f"SELECT o.id, c.name FROM {ORDERS} AS o JOIN {CUSTOMERS} AS c ON o.customer = c.id WHERE "
        "{% if is_incremental() %} o.id > (SELECT max(id) FROM {{ this }}) {% else %} o.id < 9 {% endif %}",
        materialized="incremental",
    )
    for rows in (9, 50):
        shop.dvt("run").ok()
        assert query(shop, "SELECT id FROM log ORDER BY id") == [(n,) for n in range(rows)]


REFUSED = {
    "other": (f"SELECT count(*) AS n FROM {CUSTOMERS}", {"dialect": "sqlite"}, "DVT123", "`dialect: spark`"),
    "unproven": (
        f"SELECT list(name) AS n FROM {CUSTOMERS}",
        {"dialect": "target"},
        "DVT123",
        "the order of rows",
    ),
    "best": (
        f"SELECT 1 AS n FROM {CUSTOMERS}",
        {"dialect": "sqlite", "translate": "best_effort"},
        "DVT123",
        "",
    ),
    "untyped": (f"SELECT until FROM {ORDERS}", {}, "DVT122", "orders.until has the type TIME"),
    "unknown": (f"SELECT nope FROM {CUSTOMERS}", {}, "", "nope"),
    "broken": (f"SELECT id,\nid + FROM {CUSTOMERS}", {}, "DVT122", "Syntax error"),
    "lost": (f"SELECT CAST(name AS INT) AS n FROM {CUSTOMERS}", {}, "DVT134", "cannot be cast"),
    "interval": (
        f"SELECT INTERVAL 1 DAY AS i FROM {CUSTOMERS}",
        {},
        "DVT154",
        "column i has the type interval",
    ),
}
"""Model → SQL, config, and the code and words of its error."""


def test_what_spark_cannot_answer_is_an_error_with_its_reason(shop: Project):
    for name, (sql, config, _, _) in REFUSED.items():
        spark_model(shop, name, sql, **config)
    result = shop.dvt("run")
    assert result.code == 1
    assert set(result.statuses().values()) == {"error"}
    texts = json.loads((shop.root / "target" / "run_results.json").read_text())["results"]
    messages = {node["unique_id"].split(".")[2]: node["message"] for node in texts}
    for name, (_, _, code, reason) in REFUSED.items():
        assert code in messages[name]
        assert reason in messages[name]
    assert "cast the column where it comes from" in messages["untyped"]
    assert "Traceback" not in result.output
    assert "at org.apache" not in result.output


def test_without_java_the_error_says_what_to_install(shop: Project, tmp_path: Path):
    spark_model(shop, "m", f"SELECT * FROM {CUSTOMERS}")
    for version, reason in (("", "cannot be run"), ("11.0.2", "is version 11")):
        java = tmp_path / f"java{version}" / "bin" / "java"
        java.parent.mkdir(parents=True)
        if version:
            java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
            java.chmod(0o755)
        result = shop.dvt("run", env={"JAVA_HOME": str(java.parent.parent)})
        assert result.code == 1
        assert "DVT191" in result.output
        assert reason in result.output


def test_nothing_of_spark_stays_when_dvt_is_killed(shop: Project):
    endless = " CROSS JOIN ".join(f"{ORDERS} AS t{n}" for n in range(8))
    spark_model(shop, "m", f"SELECT count(*) AS n FROM {endless} WHERE t0.id + t1.id + t7.id < 0")
    environment = {**os.environ, "DBT_PROFILES_DIR": str(shop.root)}
    command = [sys.executable, "-m", "dvt.cli.main", "run", "--project-dir", str(shop.root)]
    with subprocess.Popen(command, env=environment, cwd=shop.root, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 150
        while not (started := java_processes(shop.root)) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert started
        lines = [" ".join(psutil.Process(pid).cmdline()) for pid in started]
        assert not [line for line in lines if "hush-hush" in line]
        while not (addresses := listening(started)) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert {address.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}
        time.sleep(5)  # it computes by then
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 60
    while java_processes(shop.root) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert java_processes(shop.root) == []
