"""ClickHouse's connector keeps every connector's promises, on the real engine."""

from __future__ import annotations

import pytest

from dvt.core.errors import QueryFailed, RowRefused, ValueLost
from dvt.core.plan import Load
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, TIMESTAMP, VARCHAR, decimal
from dvt.testing.suites import ConnectorSuite, LoadingSuite
from tests.databases.clickhouse_types import LOAD_CASES, READ_CASES

pytestmark = [pytest.mark.slow, pytest.mark.long]


_NO_CHECKS = "a contract has no keys there, and no lengths"


class TestClickHouseConnector(ConnectorSuite, LoadingSuite):
    read_cases = READ_CASES
    load_cases = LOAD_CASES
    never = {
        "test_rows_are_loaded_by_name_into_the_contracts_columns": _NO_CHECKS,
        "test_a_row_that_breaks_a_constraint_leaves_no_table": _NO_CHECKS,
        "test_a_text_too_long_for_its_column_is_refused_and_not_cut": _NO_CHECKS,
        "test_extractions_of_one_snapshot_agree_while_others_write": "it has no snapshot of several tables",
        "test_a_query_is_cancelled_before_its_first_row": "the engine as a library cannot be stopped",
        "test_a_query_is_cancelled_amid_its_rows": "the engine as a library cannot be stopped",
    }

    @pytest.fixture
    def database(self, databases):
        return databases("clickhouse")

    def test_debug_tells_what_was_not_run(self, bench):
        assert "not on a server" in bench.connector.server_facts(None).version

    @pytest.mark.parametrize(("native", "value"), [("String", "ff61"), ("FixedString(2)", "ffff")])
    def test_a_text_that_is_no_unicode_stops_the_run(self, bench, native, value):
        ref = bench.database.table("bytes")
        bench.create(ref, [("v", native)], [f"unhex('{value}')"])
        with pytest.raises(QueryFailed, match="a text is no UTF-8"):
            bench.read_table(ref)

    @pytest.mark.parametrize(
        ("native", "value", "type_", "expected"),
        [
            ("Int64", "7", BIGINT, "7"),
            ("Nullable(Int64)", "NULL", BIGINT, None),
            ("Decimal(9,2)", "1.25", decimal(9, 2), "1.25"),
            (
                "DateTime64(6, 'UTC')",
                "TIMESTAMP '2024-02-29 10:00:00.5'",
                TIMESTAMP,
                "2024-02-29 10:00:00.500000",
            ),
            ("Int64", "NULL", BIGINT, RowRefused),
            ("Int8", "300", BIGINT, ValueLost),
            ("UInt32", "-1", BIGINT, ValueLost),
            ("Nullable(Int16)", "70000", BIGINT, ValueLost),
            ("Float32", "16777217", BIGINT, ValueLost),
            ("Decimal(9,1)", "1.25", decimal(9, 2), ValueLost),
            ("Int32", "1.75", decimal(9, 2), ValueLost),
            ("DateTime", "TIMESTAMP '1950-01-01 00:00:00.5'", TIMESTAMP, ValueLost),
            ("FixedString(2)", "'abc'", VARCHAR, ValueLost),
        ],
    )
    def test_a_contracts_column_has_the_value_or_refuses_it(self, bench, native, value, type_, expected):
        """The engine itself would make 44 of 300, and 0 of NULL."""
        columns = [StageColumn("v", type_)]
        ref = bench.database.table("dvt_contracted")
        load = Load(stage=ref, columns=bench.loader.columns(columns), definition=f"(v {native})")
        bench.loader.drop(ref)
        staged = bench.stage(f"SELECT {value} AS v", columns)
        if isinstance(expected, type):
            with pytest.raises(expected):
                bench.loader.fill(load, staged)
        else:
            assert bench.loader.fill(load, staged) == 1
            assert bench.database.as_text(ref) == [(expected,)]
            bench.loader.drop(ref)
