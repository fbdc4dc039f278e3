"""What dvt loads by prepared batches over JDBC arrives as it was, on real servers, or there is no table."""

from __future__ import annotations

import pytest

from dvt.testing.suites import LoadingSuite
from tests.databases.jdbc_load_types import H2_LOAD_CASES

pytestmark = pytest.mark.slow


class TestH2Loads(LoadingSuite):
    load_cases = H2_LOAD_CASES

    @pytest.fixture
    def database(self, databases):
        return databases("jdbc")
