"""Trino's connector keeps every connector's promises, on the real server."""

from __future__ import annotations

import pytest

from dvt.testing.suites import ConnectorSuite
from tests.databases.trino_types import READ_CASES

pytestmark = [pytest.mark.slow, pytest.mark.long]


class TestTrinoConnector(ConnectorSuite):
    read_cases = READ_CASES
    never = {
        "test_extractions_of_one_snapshot_agree_while_others_write": "it has no snapshot of several tables",
        "test_a_query_is_cancelled_amid_its_rows": "the tests' server holds its tables in memory",
    }

    @pytest.fixture
    def database(self, databases):
        return databases("trino")
