"""Models that their source computes, and that need values of their own table, which is on their target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dvt.drivers.duckdb import FILES
from tests.acceptance.at_source import computed
from tests.acceptance.federating import Workspace
from tests.acceptance.test_at_source import in_file

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
