"""The connector of JDBC keeps every connector's promises, and those of loads, on real servers."""

from __future__ import annotations

import pytest

from dvt.core.errors import QueryFailed
from dvt.testing.suites import ConnectorSuite, LoadingSuite, ServerSuite
from tests.databases.jdbc import derby, firebird, hsqldb, over_jdbc
from tests.databases.jdbc_load_types import DERBY_LOAD_CASES, H2_LOAD_CASES, HSQLDB_LOAD_CASES
from tests.databases.jdbc_types import (
    DERBY_READ_CASES,
    FIREBIRD_READ_CASES,
    H2_READ_CASES,
    HSQLDB_READ_CASES,
    MARIADB_READ_CASES,
    POSTGRES_READ_CASES,
)

pytestmark = pytest.mark.slow

_SNAPSHOT = "test_extractions_of_one_snapshot_agree_while_others_write"


@pytest.fixture(scope="module")
def hsqldb_server():
    with hsqldb() as server:
        yield server


@pytest.fixture(scope="module")
def derby_server():
    with derby() as server:
        yield server


@pytest.fixture(scope="module")
def firebird_server():
    with firebird() as server:
        yield server


class TestProductConnector(ConnectorSuite, LoadingSuite):
    read_cases = H2_READ_CASES
    load_cases = H2_LOAD_CASES

    @pytest.fixture
    def database(self, databases):
        return databases("jdbc")

    @pytest.mark.long
    def test_every_row_of_a_large_table_arrives_once(self, bench):
        super().test_every_row_of_a_large_table_arrives_once(bench)

    @pytest.mark.long
    def test_a_query_is_cancelled_amid_its_rows(self, bench):
        super().test_a_query_is_cancelled_amid_its_rows(bench)

    @pytest.mark.long
    def test_a_stage_table_holds_what_was_staged(self, bench):
        super().test_a_stage_table_holds_what_was_staged(bench)

    @pytest.mark.long
    def test_a_table_that_cannot_be_filled_does_not_exist(self, bench):
        super().test_a_table_that_cannot_be_filled_does_not_exist(bench)


@pytest.mark.long
class TestHSQLDBOverJdbc(ConnectorSuite, LoadingSuite):
    read_cases = HSQLDB_READ_CASES
    load_cases = HSQLDB_LOAD_CASES
    never = {
        _SNAPSHOT: "its transactions lock what they read",
        "test_a_query_that_fails_leaves_nothing_and_the_snapshot_reads_on": "it writes names in upper case",
    }

    @pytest.fixture
    def database(self, hsqldb_server):
        return hsqldb_server


@pytest.mark.long
class TestDerbyOverJdbc(ConnectorSuite, LoadingSuite):
    read_cases = DERBY_READ_CASES
    load_cases = DERBY_LOAD_CASES
    never = {
        _SNAPSHOT: "its transactions lock what they read",
        "test_a_query_that_fails_leaves_nothing_and_the_snapshot_reads_on": "it writes names in upper case",
    }

    @pytest.fixture
    def database(self, derby_server):
        return derby_server


@pytest.mark.long
class TestFirebirdOverJdbc(ConnectorSuite):
    read_cases = FIREBIRD_READ_CASES
    never = {
        "test_a_query_that_fails_leaves_nothing_and_the_snapshot_reads_on": "it writes names in upper case"
    }

    @pytest.fixture
    def database(self, firebird_server):
        return firebird_server

    @pytest.mark.parametrize("native", ["varchar(9)", "char(9)", "blob sub_type text"])
    def test_a_text_without_a_character_set_that_is_no_utf8_stops_the_run(self, bench, native):
        ref = bench.database.table("no_utf8")
        bench.create(ref, [("word", f"{native} character set none")], ["'good é'"], ["x'626164e9'"])
        with pytest.raises(QueryFailed, match="Malformed string"):
            bench.read_table(ref)


@pytest.mark.long
class TestPostgreSQLOverJdbc(ServerSuite):
    read_cases = POSTGRES_READ_CASES
    never = {
        "test_no_more_queries_read_a_table_at_once_than_its_config_allows": "one transaction is one query",
        "test_the_first_failure_ends_the_others_and_leaves_nothing": "the others have not begun",
    }

    @pytest.fixture
    def database(self, postgres):
        return over_jdbc(postgres)


@pytest.mark.long
class TestMariaDBOverJdbc(ServerSuite):
    read_cases = MARIADB_READ_CASES
    never = {_SNAPSHOT: "consistent_reads is off"}

    @pytest.fixture
    def database(self, mariadb):
        return over_jdbc(mariadb, consistent_reads=False)
