"""Trino's connector keeps every connector's promises, on the real server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dvt.core.errors import Cancelled, QueryFailed, RowRefused, TableNotFound, ValueLost
from dvt.core.plan import Load
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, VARCHAR, decimal
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from dvt.testing.suites import ConnectorSuite, LoadingSuite
from dvt.testing.suites.loading import large_load, new_load
from tests.databases.trino_types import LOAD_CASES, READ_CASES

pytestmark = [pytest.mark.slow, pytest.mark.long]


_NO_CHECKS = "a contract has no CHECK there, and no keys"


class TestTrinoConnector(ConnectorSuite, LoadingSuite):
    read_cases = READ_CASES
    load_cases = LOAD_CASES
    never = {
        "test_extractions_of_one_snapshot_agree_while_others_write": "it has no snapshot of several tables",
        "test_a_query_is_cancelled_amid_its_rows": "the tests' server holds its tables in memory",
        "test_a_stage_table_holds_what_was_staged": "Trino writes all names in lower case",
        "test_rows_are_loaded_by_name_into_the_contracts_columns": _NO_CHECKS,
        "test_a_row_that_breaks_a_constraint_leaves_no_table": _NO_CHECKS,
    }

    @pytest.fixture
    def database(self, databases):
        return databases("trino")


@pytest.fixture
def bench(databases, tmp_path):
    bench = Bench(databases("trino"), tmp_path)
    yield bench
    bench.close()


def test_a_contract_gives_the_columns_and_refuses_what_they_cannot_hold(bench):
    columns = [StageColumn("id", BIGINT), StageColumn("word", VARCHAR), StageColumn("total", decimal(9, 2))]
    ref = bench.database.table("dvt_contracted")
    definition = '("total" decimal(12,2), word varchar(3), id smallint)'
    load = Load(stage=ref, columns=bench.loader.columns(columns), definition=definition)
    bench.loader.drop(ref)
    good = bench.stage("SELECT -7 AS id, 'äöü' AS word, 1234567.89 AS total", columns)
    assert bench.loader.fill(load, good) == 1
    assert bench.database.as_text(ref) == [("1234567.89", "äöü", "-7")]
    bench.loader.drop(ref)
    for rows, error, problem in (
        ("SELECT 1 AS id, 'äöüß' AS word, 1 AS total", ValueLost, "column word: holds äöüß, which is longer"),
        ("SELECT 32768 AS id, NULL AS word, 1 AS total", QueryFailed, "32768"),
    ):
        with pytest.raises(error, match=problem):
            bench.loader.fill(load, bench.stage(rows, columns))
        with pytest.raises(TableNotFound):
            bench.describe(ref)


def test_a_null_for_a_column_of_a_contract_that_is_not_null_is_refused(bench):
    """In a catalog that knows NOT NULL; Trino itself refuses the row."""
    columns = [StageColumn("id", BIGINT), StageColumn("word", VARCHAR)]
    ref = replace(bench.database.table("dvt_not_null"), database="strict")
    load = Load(
        stage=ref, columns=bench.loader.columns(columns), definition="(word varchar NOT NULL, id bigint)"
    )
    bench.loader.drop(ref)
    assert bench.loader.fill(load, bench.stage("SELECT NULL AS id, '' AS word", columns)) == 1
    bench.loader.drop(ref)
    with pytest.raises(RowRefused, match="NULL value not allowed for NOT NULL column: word"):
        bench.loader.fill(load, bench.stage("SELECT 7 AS id, NULL AS word", columns))
    with pytest.raises(TableNotFound):
        bench.describe(ref)


def test_the_statement_of_a_load_that_is_stopped_is_cancelled_on_the_server(bench):
    load, dataset = large_load(bench, "dvt_sent")
    mine = "from system.runtime.queries where query like 'INSERT INTO%dvt_sent%' and"

    def count(condition: str) -> int:
        return int(bench.database.texts(f"select cast(count(*) as varchar) {mine} {condition}")[0][0])

    for _ in range(5):  # one may have ended before it is cancelled
        loading = BackgroundCall(lambda: bench.loader.fill(load, dataset))
        assert wait_until(lambda: count("state in ('PLANNING', 'RUNNING')"))
        assert isinstance(loading.stop_by(bench.connector.cancel), Cancelled)
        if count("error_code = 'USER_CANCELED'"):
            break
    assert count("error_code = 'USER_CANCELED'")
    with pytest.raises(TableNotFound):
        bench.describe(load.stage)


def test_rows_of_many_statements_and_of_large_values_all_arrive(bench):
    columns = [StageColumn("n", BIGINT), StageColumn("word", VARCHAR)]
    word = "repeat(chr(65 + i::INTEGER % 26), 1 + (i::INTEGER % 50) * 2000)"
    sql = f"SELECT i AS n, {word} AS word FROM range(600) r(i)"
    load, dataset = new_load(bench, "dvt_large", sql, columns)
    assert bench.loader.fill(load, dataset) == 600
    back = bench.read_table(load.stage)
    totals = "SELECT count(*), sum(c0), sum(length(c1)), count(DISTINCT c1[1]) FROM t"
    assert bench.first_row(totals, back) == (600, 179700, 600 + 12 * sum(range(50)) * 2000, 26)
