"""ClickHouse's connector keeps every connector's promises, on the real engine."""

from __future__ import annotations

import pytest

from dvt.core.errors import QueryFailed
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
