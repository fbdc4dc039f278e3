"""Connections to sources and targets of models that Spark computes are cut: no target is half new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.project import Project
from tests.acceptance.spark import COMPUTES
from tests.acceptance.test_spark_cluster import SLEEP
from tests.databases.postgres import USER
from tests.databases.proxy import Proxy, proxy

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]

ROWS = 20_000
AMID = 400_000
"""Bytes after which a connection is cut: some fifth of the table."""


@pytest.fixture
def line(databases: Callable[[str], Any]) -> Iterator[Proxy]:
    """Return what dvt's connections to H2 go through."""
    server = databases("jdbc")
    server.fill(server.table("facts"), ROWS)
    with proxy(server.port) as line:
        yield line


@pytest.fixture
def shop(databases: Callable[[str], Any], line: Proxy, tmp_path: Path) -> Project:
    """Return a project whose models read H2 through the proxy, and are on PostgreSQL, where one is old."""
    h2, pg = databases("jdbc"), databases("postgres")
    url = h2.url.replace(str(h2.port), str(line.port))
    outputs = {
        "pg": pg.settings(schema="restarts"),
        "erp": h2.settings(url=url, fetch_size=100),
        "again": h2.settings(url=url, fetch_size=100, consistent_reads=False),
    }
    project = Project(tmp_path / "shop", outputs, default="pg")
    project.file("computes.yml", COMPUTES)
    for name in ("erp", "again"):
        project.source(name, name, ["facts"], schema="shop")
    pg.execute(
        "DROP SCHEMA IF EXISTS restarts CASCADE",
        "CREATE SCHEMA restarts",
        f'GRANT ALL ON SCHEMA restarts TO "{USER}"',
    )
    return project


def in_spark(project: Project, name: str, sql: str) -> None:
    project.model(name, sql, materialized="table", compute="spark_local", dialect="spark")


def test_connections_that_are_cut_while_spark_computes_are_not_missed(
    shop: Project, line: Proxy, databases: Callable[[str], Any]
) -> None:
    """What is extracted is staged, and the target is connected to again."""
    pg = databases("postgres")
    slow = f"SELECT n + {SLEEP} - 4 AS n FROM {{{{ source('erp', 'facts') }}}} WHERE n <= 8"
    in_spark(shop, "facts", slow)
    process = shop.start("run")
    assert process.stdout is not None
    assert any("tasks done so far" in said for said in process.stdout)
    line.cut()
    pg.cut()
    shop.finish(process, 200).ok()
    assert pg.execute("SELECT n FROM restarts.facts ORDER BY n") == [(n,) for n in range(1, 9)]


@pytest.mark.parametrize("source", ["erp", "again"])
def test_a_source_that_is_cut_amid_its_rows_never_passes_for_a_whole_one(
    source: str, shop: Project, line: Proxy, databases: Callable[[str], Any]
) -> None:
    """It is read again where that is allowed; else the target stays as it was."""
    pg = databases("postgres")
    sql = f"SELECT count(DISTINCT word) AS words, sum(n) AS total FROM {{{{ source('{source}', 'facts') }}}}"
    in_spark(shop, "facts", f"{sql} WHERE n < 0")
    shop.dvt("run").ok()
    in_spark(shop, "facts", sql)
    line.freeze_after(AMID, "to_client")
    process = shop.start("run")
    assert line.frozen.wait(200)
    line.thaw()
    result = shop.finish(process, 200)
    found = pg.execute("SELECT words, total FROM restarts.facts")
    if source == "again":
        assert "DVT037" in result.ok().output
        assert found == [(ROWS, ROWS * (ROWS + 1) // 2)]
    else:
        assert result.code == 1
        assert "DVT132" in result.output
        assert found == [(0, None)]
