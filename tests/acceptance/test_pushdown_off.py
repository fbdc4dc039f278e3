"""A row that cannot be staged and that WHERE leaves out stops no run, whatever is pushed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import ValueLost
from dvt.core.requests import Pushdown
from dvt.drivers.duckdb import FILES
from tests.acceptance.test_federate_servers import ServerWorkspace
from tests.databases.postgres import PostgreSQL

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(tmp_path: Path, postgres: PostgreSQL, databases: Any) -> Iterator[ServerWorkspace]:
    workspace = ServerWorkspace(tmp_path)
    workspace.server = postgres
    workspace.outputs["pg"] = postgres.settings()
    mariadb = databases("mariadb")
    workspace.outputs["my"] = mariadb.settings()
    workspace.duckdb("wh")
    postgres.execute(
        "DROP TABLE IF EXISTS odd",
        "CREATE TABLE odd (id int, n numeric(9,2), free numeric, late timestamp, list int[])",
        "INSERT INTO odd VALUES (1, 'NaN', 1, NULL, NULL), (2, 2, 2, '2024-01-01', '{1}'),"
        " (3, NULL, 3, NULL, NULL), (4, 4, 'Infinity', '294276-01-01', '{{1},{2}}')",
    )
    mariadb.execute(
        "DROP TABLE IF EXISTS odd",
        "CREATE TABLE odd (id int, d date, t datetime, n decimal(40,2))",
        "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'",
    )
    for values in (
        "(1, '0000-00-00', '2024-01-01', 1)",
        "(2, '2024-02-29', '2024-02-29 01:02:03', 2)",
        "(3, NULL, NULL, NULL)",
        "(4, '2024-02-31', '2024-00-10', 9999999999999999999999999999999999999.99)",
    ):
        mariadb.execute("SET sql_mode = 'ALLOW_INVALID_DATES'", f"INSERT INTO odd VALUES {values}")
    yield workspace
    FILES.close()


@pytest.mark.parametrize("pushdown", list(Pushdown))
@pytest.mark.parametrize(
    ("columns", "where", "ids"),
    [
        ("id, n, free, late, list FROM {pg.odd}", "id BETWEEN 2 AND 3", [2, 3]),
        ("id, n FROM {pg.odd}", "id = 2 OR id = 3", [2, 3]),
        ("id, n FROM {pg.odd}", "n < 3", [2]),
        ("id, late FROM {pg.odd}", "late < '2025-01-01' AND id <> 9", [2]),
        ("id, d, t, n FROM {my.odd}", "id IN (2, 3)", [2, 3]),
        ("id, d FROM {my.odd}", "d >= '2024-01-01' AND id < 4", [2]),
    ],
)
def test_what_where_leaves_out_is_no_error(
    workspace: ServerWorkspace, columns: str, where: str, ids: list[int], pushdown: Pushdown
) -> None:
    with workspace.run() as run:
        run.model("m", f"SELECT {columns} AS o WHERE {where}", "wh", pushdown=pushdown)
        assert [row[0] for row in run.rows("wh", "m")] == ids


@pytest.mark.parametrize("pushdown", list(Pushdown))
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT n FROM {pg.odd} AS o WHERE id < 3",
        "SELECT n FROM {pg.odd} AS o",
        "SELECT free FROM {pg.odd} AS o WHERE id > 3",
        "SELECT d FROM {my.odd} AS o WHERE id = 1",
        "SELECT d FROM {my.odd} AS o WHERE id = 4",
    ],
)
def test_what_where_leaves_in_is_an_error(workspace: ServerWorkspace, sql: str, pushdown: Pushdown) -> None:
    with workspace.run() as run, pytest.raises(ValueLost):
        run.model("m", sql, "wh", pushdown=pushdown)


def test_without_pushdown_all_other_rows_are_read(workspace: ServerWorkspace) -> None:
    with workspace.run() as run:
        sql = "SELECT id, n FROM {pg.odd} AS o WHERE id = 2"
        run.model("m", sql, "wh", pushdown=Pushdown.OFF)
        assert [movement.rows for _, movement in run.reporter.movements if movement.what == "extract"] == [3]
