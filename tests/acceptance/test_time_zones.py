"""A model in the target's dialect reads and shows times in the time zone of the target's sessions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dvt.core.requests import Pushdown, Translate
from dvt.drivers.duckdb import FILES
from tests.acceptance.test_kept_digits import Publisher
from tests.acceptance.test_kept_order import ServerWorkspace
from tests.databases.postgres import PostgreSQL

pytestmark = pytest.mark.slow

INSTANTS = ("2024-03-10 02:00:00+00", "2024-11-03 05:30:00.5+00", "1999-12-31 23:59:59+05:30", "infinity")


@pytest.fixture
def workspace(tmp_path: Path, postgres: PostgreSQL) -> Iterator[ServerWorkspace]:
    """The server's time zone is America/New_York."""
    workspace = ServerWorkspace(tmp_path)
    workspace.server = postgres
    workspace.outputs["pg"] = postgres.settings()
    workspace.duckdb("src", "CREATE TABLE one AS SELECT 1 AS n")
    workspace.duckdb("wh")
    values = ", ".join(f"({number}, '{text}')" for number, text in enumerate(INSTANTS))
    postgres.execute(
        "DROP TABLE IF EXISTS seen",
        "CREATE TABLE seen (id int, seen_at timestamptz)",
        f"INSERT INTO seen VALUES {values}, (9, NULL)",
    )
    yield workspace
    FILES.close()


QUERIES = (
    "SELECT id, seen_at::date AS d FROM {seen} WHERE seen_at < '3000-01-01'",
    "SELECT id, extract(hour FROM seen_at)::int AS h, seen_at::text AS t FROM {seen} WHERE id < 3",
    "SELECT id, date_trunc('day', seen_at) AS d FROM {seen} WHERE seen_at < '3000-01-01'",
    "SELECT id, (seen_at + interval '1 day')::timestamp AS d FROM {seen} WHERE seen_at < '3000-01-01'",
    "SELECT id, seen_at - timestamptz '2024-02-01 00:00' AS d FROM {seen} WHERE seen_at < '3000-01-01'",
    "SELECT id, seen_at + interval '36 hours' AS d FROM {seen} WHERE seen_at < '3000-01-01'",
    "SELECT id, seen_at - interval '1 month 2 days' AS d FROM {seen} WHERE seen_at < '3000-01-01'",
    "SELECT id, date_trunc('hour', seen_at) AS d FROM {seen}",
    "SELECT id FROM {seen} WHERE seen_at >= '2024-03-09 21:00:00'",
    "SELECT id FROM {seen} WHERE seen_at < date '2024-03-10'",
    "SELECT id FROM {seen} WHERE seen_at BETWEEN timestamp '2024-11-03 01:00' AND '2024-11-03 01:45:00-05'",
    "SELECT id FROM {seen} WHERE seen_at IN ('2024-03-09 21:00', '1999-12-31 13:29:59')",
)


def answer(workspace: ServerWorkspace, sql: str, zone: str) -> list[tuple[object, ...]]:
    """Return the server's rows, in a session of this time zone."""
    connection = workspace.server.owner()
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET TimeZone = '{zone}'")
            cursor.execute(sql)
            return list(cursor.fetchall())
    finally:
        connection.close()


@pytest.mark.parametrize("pushdown", ["auto", "off"])
def test_a_servers_model_is_in_its_sessions_time_zone(workspace: ServerWorkspace, pushdown: str) -> None:
    with workspace.run() as run:
        for number, query in enumerate(QUERIES):
            publisher = Publisher(workspace)
            sql = query.replace("{seen}", "{pg.seen} AS s CROSS JOIN {src.one} AS o")
            options = {"pushdown": Pushdown(pushdown), "translate": Translate.BEST_EFFORT}
            run.model(f"m{number}", sql, "pg", publisher, dialect="postgres", **options)
            expected = answer(workspace, query.replace("{seen}", "seen"), "America/New_York")
            assert sorted(publisher.rows, key=str) == sorted(expected, key=str), query


def test_a_filter_on_an_instant_is_pushed_in_utc(workspace: ServerWorkspace) -> None:
    with workspace.run() as run:
        sql = "SELECT s.id FROM {pg.seen} AS s CROSS JOIN {src.one} AS o WHERE s.seen_at >= '2024-07-01'"
        queries = run.federator.plan(run.request("m", sql, "pg", dialect="postgres")).queries
        (pushed,) = [query.where for query in queries if query.connection == "pg"]
        assert "2024-07-01 04:00:00.000000+00" in str(pushed)
        run.model("m", sql.replace("'2024-07-01'", "TIMESTAMPTZ '2024-03-10 02:00:01+00'"), "wh")
        assert run.rows("wh", "m") == [(1,), (3,)]


def test_a_duckdb_files_model_is_in_the_time_zone_of_its_settings(workspace: ServerWorkspace) -> None:
    workspace.outputs["wh"] = {**workspace.outputs["wh"], "settings": {"TimeZone": "Asia/Kolkata"}}
    computed = "hour(seen_at) AS h, current_date AS t, now()::TIMESTAMP AS n"
    query = f"SELECT id, seen_at::DATE AS d, {computed} FROM {{pg.seen}} AS s"
    with workspace.run() as run:
        run.model("m", f"{query} WHERE id < 3", "wh")
        rows = run.rows("wh", "m")
        native = "SELECT id, seen_at::date, extract(hour FROM seen_at)::int FROM seen WHERE id < 3"
        expected = answer(workspace, native, "Asia/Kolkata")
        assert [row[:3] for row in rows] == expected
        now = datetime.now(UTC).astimezone(ZoneInfo("Asia/Kolkata")).replace(tzinfo=None)
        assert abs((rows[0][4] - now).total_seconds()) < 60
        assert rows[0][3] in {now.date(), rows[0][4].date()}


def test_a_model_in_the_engines_dialect_is_in_utc(workspace: ServerWorkspace) -> None:
    with workspace.run() as run:
        publisher = Publisher(workspace)
        run.model("m", "SELECT id, seen_at::DATE AS d FROM {pg.seen} AS s WHERE id < 2", "pg", publisher)
        assert publisher.rows == answer(workspace, "SELECT id, seen_at::date FROM seen WHERE id < 2", "UTC")


def test_a_time_zone_that_nobody_knows_here_is_warned_of(workspace: ServerWorkspace) -> None:
    workspace.server.execute("ALTER ROLE \"shop user\" SET TimeZone = '<+03>-03'")
    try:
        with workspace.run() as run:
            run.model("m", "SELECT id FROM {pg.seen} AS s", "pg", Publisher(workspace), dialect="postgres")
            assert [notice.code for _, notice in run.reporter.notices] == ["DVT003"]
            assert "<+03>-03" in run.reporter.notices[0][1].message
    finally:
        workspace.server.execute('ALTER ROLE "shop user" RESET TimeZone')
