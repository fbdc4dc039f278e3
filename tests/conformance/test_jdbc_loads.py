"""What dvt loads by prepared batches over JDBC arrives as it was, on real servers, or there is no table."""

from __future__ import annotations

import pytest

from dvt.testing.suites import LoadingSuite
from tests.databases.jdbc import derby, hsqldb
from tests.databases.jdbc_load_types import DERBY_LOAD_CASES, H2_LOAD_CASES, HSQLDB_LOAD_CASES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hsqldb_server():
    with hsqldb() as server:
        yield server


@pytest.fixture(scope="module")
def derby_server():
    with derby() as server:
        yield server


class TestH2Loads(LoadingSuite):
    load_cases = H2_LOAD_CASES

    @pytest.fixture
    def database(self, databases):
        return databases("jdbc")

    @pytest.mark.long
    def test_a_stage_table_holds_what_was_staged(self, bench):
        super().test_a_stage_table_holds_what_was_staged(bench)

    @pytest.mark.long
    def test_a_table_that_cannot_be_filled_does_not_exist(self, bench):
        super().test_a_table_that_cannot_be_filled_does_not_exist(bench)


@pytest.mark.long
class TestHSQLDBLoads(LoadingSuite):
    load_cases = HSQLDB_LOAD_CASES

    @pytest.fixture
    def database(self, hsqldb_server):
        return hsqldb_server


@pytest.mark.long
class TestDerbyLoads(LoadingSuite):
    load_cases = DERBY_LOAD_CASES

    @pytest.fixture
    def database(self, derby_server):
        return derby_server
