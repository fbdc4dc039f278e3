"""Stage tables with a contract have its types and constraints from the start, on every target."""

from __future__ import annotations

from typing import Any

import pytest

from dvt.core.errors import RowRefused, TableNotFound, ValueLost
from dvt.core.plan import Load
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, VARCHAR, decimal
from tests.conformance.reading import Bench

pytestmark = pytest.mark.slow

COLUMNS = (
    StageColumn("the id", BIGINT),
    StageColumn("word", VARCHAR),
    StageColumn("total", decimal(9, 2)),
)
ROWS = """
SELECT i AS "the id", 'word ' || i AS word, (i / 4)::DECIMAL(9,2) AS total FROM range({count}) r(i)
"""


def contracted(bench: Bench, name: str, key: str = "the id") -> Load:
    """A load whose definition has the columns the other way round, a constraint on each, and a key."""
    ref = bench.database.table(name)
    bench.connector.drop(ref)
    columns = bench.connector.columns(COLUMNS)
    quoted = bench.database.name_of
    said = [f"{quoted(one.name)} {one.native} not null" for one in reversed(columns)]
    said += [f"check ({quoted('total')} < 1000)", f"primary key ({quoted(key)})"]
    return Load(stage=ref, columns=columns, definition=f"({', '.join(said)})")


def test_rows_land_by_name_in_the_contracts_columns(target: Any, bench: Bench) -> None:
    load = contracted(bench, "dvt_contracted")
    dataset = bench.stage(ROWS.format(count=1000), COLUMNS)
    assert bench.connector.fill(load, dataset) == 1000
    table = bench.describe(load.stage)
    assert [one.name for one in table.columns] == ["total", "word", "the id"]
    with pytest.raises(Exception, match=r"(?i)null"):
        bench.database.execute(f"INSERT INTO {bench.database.quoted(load.stage)} VALUES (1, NULL, -1)")
    assert sorted(target.as_text(load.stage), key=lambda row: int(str(row[2])))[7] == ("1.75", "word 7", "7")


@pytest.mark.parametrize(
    ("case", "rows", "key"),
    [
        ("null", 'SELECT 1 AS "the id", NULL AS word, 2 AS total', "the id"),
        ("check", "SELECT 1 AS \"the id\", 'a' AS word, 2000 AS total", "the id"),
        ("twice", "SELECT 1 AS \"the id\", 'a' AS word, 2 AS total FROM range(2)", "the id"),
        ("late", ROWS.format(count=20000), "total"),
    ],
)
def test_a_row_that_breaks_a_constraint_leaves_no_table(
    target: Any, bench: Bench, case: str, rows: str, key: str
) -> None:
    load = contracted(bench, f"dvt_refused_{case}", key)
    repeated = rows if case != "late" else f"{rows} UNION ALL SELECT 1, 'again', 1.75"
    with pytest.raises(RowRefused, match=f"dvt_refused_{case}"):
        bench.connector.fill(load, bench.stage(repeated, COLUMNS))
    with pytest.raises(TableNotFound):
        bench.describe(load.stage)


def test_a_text_is_refused_and_not_cut(target: Any, bench: Bench) -> None:
    if target.name == "duckdb":
        pytest.skip("to it varchar(3) is varchar")
    ref = bench.database.table("dvt_short")
    bench.connector.drop(ref)
    column = StageColumn("word", VARCHAR)
    load = Load(stage=ref, columns=bench.connector.columns([column]), definition="(word varchar(3))")
    assert bench.connector.fill(load, bench.stage("SELECT 'äöü' AS word", [column])) == 1
    bench.connector.drop(ref)
    longer = bench.stage("SELECT unnest(['a', 'äöüß']) AS word", [column])
    with pytest.raises(ValueLost, match="word"):
        bench.connector.fill(load, longer)
    with pytest.raises(TableNotFound):
        bench.describe(ref)
