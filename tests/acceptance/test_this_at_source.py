"""Models that their source computes, and that need values of their own table, which is on their target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dvt.core.errors import PlaceImpossible
from dvt.drivers.duckdb import FILES
from tests.acceptance.at_source import computed
from tests.acceptance.federating import Workspace
from tests.acceptance.test_at_source import in_file
from tests.acceptance.test_at_source_mariadb import MariaDBWorkspace, my  # noqa: F401  the fixture

pytestmark = pytest.mark.slow

OWN = (
    "CREATE TABLE m AS SELECT * FROM (VALUES "
    "(10, 5, 9.25, DATE '2024-01-01', TIMESTAMP '2024-01-01 10:00:00', "
    "TIMESTAMPTZ '2024-01-01 10:00:00+00'), "
    "(7, 6, 1, '2023-01-01', '2023-01-01', '2023-01-01')) t (id, small, d, day, seen, utc)"
)
"""SQL of the model's own table."""
THIS = {
    "id > (SELECT max(id) FROM {this})": "id > 10",
    "id > (select coalesce(MAX( m.id ), 0) - 3 AS x -- the newest\n from {this} as m)": "id > 7",
    "id > (SELECT max(id) FROM {this} WHERE id < 9 AND d > 0) AND id < 12": "id > 7 AND id < 12",
    "id > (SELECT max(id) FROM {this} WHERE id > 99)": "FALSE",
    "id > coalesce((SELECT min(id) FROM {this} WHERE id > 99), 995)": "id > 995",
    "id BETWEEN (SELECT min(id) FROM {this}) AND (SELECT max(id) FROM {this})": "id BETWEEN 7 AND 10",
    "id < (SELECT max(d) FROM {this})": "id < 9.25",
    "DATE '2023-12-30' + id > (SELECT max(day) FROM {this})": "id > 2",
    "TIMESTAMP '2024-01-01' + id * INTERVAL 1 HOUR > (SELECT max(seen) FROM {this})": "id > 10",
    "TIMESTAMPTZ '2024-01-01 00:00:00+00' + id * INTERVAL 1 HOUR > (SELECT max(utc) FROM {this})": "id > 10",
}
"""Conditions over `{{ this }}`, and what they mean."""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path)
    workspace.duckdb(
        "crm", "CREATE TABLE small AS SELECT i::INTEGER AS id, i % 3 AS kind FROM range(1000) t(i)"
    )
    workspace.duckdb("wh", OWN)
    FILES.close()
    yield workspace
    FILES.close()


@pytest.mark.parametrize("condition", THIS)
def test_a_highest_or_lowest_value_of_this_is_sent(files: Workspace, condition: str) -> None:
    expected = files.query("crm", f"SELECT id::VARCHAR FROM small WHERE {THIS[condition]} ORDER BY ALL")
    FILES.close()
    with files.run() as run:
        sql = f"SELECT id FROM {{crm.small}} WHERE {condition}"
        assert computed(run, in_file(files), sql, "wh")[1] == expected
        extracted = [moved for _, moved in run.reporter.movements if moved.what == "extract"]
        assert extracted[-1].rows == len(expected)
        assert {moved.rows for moved in extracted if moved.connection == "wh"} == {1}


OWN_ON_MARIADB = (
    (
        "CREATE OR REPLACE TABLE target.m (id int unsigned, kind tinyint, d decimal(12,3), big bigint, "
        "f double, day date, at datetime(3), ts timestamp(2) NULL, name varchar(9), y year, "
        "z int(5) zerofill)"
    ),
    (
        "INSERT INTO target.m VALUES (9, 1, 13.5, 40, 7.25, '2024-03-31', '2024-03-31 09:30:00.5', "
        "'2024-03-31 00:32', 'name 3', 2000, 7), "
        "(7, 2, 1, -1, 1, '2024-03-01', '2024-03-01', '2024-03-01', 'a', 1999, 1)"
    ),
)
"""Statements that make the model's own table."""
SENT = (
    "id > (SELECT max(id) FROM {this})",
    "id + 10 > (select coalesce(MAX( m.`kind` ), 0) - 3 AS x -- the newest\n from {this} as m)",
    "d > (SELECT max(d) FROM {this}) AND id < (SELECT max(big) FROM {this} WHERE id < 10)",
    "date(at) >= (SELECT date_sub(max(day), INTERVAL 1 DAY) FROM {this})",
    "at > (SELECT max(at) FROM {this})",
    "ts > (SELECT max(ts) FROM {this})",
    "concat(at) > (SELECT concat(max(at)) FROM {this}) OR concat(ts) < (SELECT concat(max(ts)) FROM {this})",
    "id > 490 AND 23 = (SELECT length(concat(max(at))) FROM {this})",
    "kind + 8 > (SELECT 0 + max(id) - 7 FROM {this})",
    "id > (SELECT max(id) FROM {this} WHERE id > 99)",
    "id > coalesce((SELECT min(id) FROM {this} WHERE id > 99), 495)",
)
"""Conditions over `{{ this }}` on MariaDB, whose values are sent."""
NOT_SENT = (
    "SELECT id FROM {my.small} WHERE name > (SELECT max(name) FROM {this})",
    "SELECT id FROM {my.small} WHERE f > (SELECT max(f) FROM {this})",
    "SELECT id FROM {my.small} WHERE y > (SELECT max(y) FROM {this})",
    "SELECT id FROM {my.small} WHERE concat(id) > (SELECT concat(max(z)) FROM {this})",
    "SELECT id, (SELECT max(id) FROM {this}) AS newest FROM {my.small}",
    "SELECT s.id FROM {my.small} s JOIN (SELECT (SELECT max(id) FROM {this}) AS m) n ON n.m = s.id",
)
"""Models over `{{ this }}` that would show another type, or compare otherwise."""


@pytest.mark.parametrize("condition", SENT)
def test_mariadb_sends_a_value_of_this_to_a_condition(my: MariaDBWorkspace, condition: str) -> None:  # noqa: F811
    my.server.execute(*OWN_ON_MARIADB)
    sql = f"SELECT id, at, ts FROM {{my.small}} WHERE {condition}"
    my.make("expected", sql.replace("{my.small}", "shop.small").replace("{this}", "target.m"))
    with my.run() as run:
        assert computed(run, my.read, sql, "my2", dialect="mysql") == my.read("expected")


@pytest.mark.parametrize("sql", NOT_SENT)
def test_mariadb_sends_no_value_whose_type_would_show(my: MariaDBWorkspace, sql: str) -> None:  # noqa: F811
    my.server.execute(*OWN_ON_MARIADB)
    with my.run() as run, pytest.raises(PlaceImpossible, match="reads its own table"):
        computed(run, my.read, sql, "my2", dialect="mysql")
