"""Connectors of databases without a server keep every connector's promises."""

from __future__ import annotations

import pytest

from dvt.testing.suites import ConnectorSuite, LoadingSuite
from tests.databases.embedded_types import (
    DUCKDB_LOAD_CASES,
    DUCKDB_READ_CASES,
    FILE_READ_CASES,
    SQLITE_READ_CASES,
)

pytestmark = pytest.mark.slow


class TestDuckDBConnector(ConnectorSuite, LoadingSuite):
    read_cases = DUCKDB_READ_CASES
    load_cases = DUCKDB_LOAD_CASES
    never = {"test_a_text_too_long_for_its_column_is_refused_and_not_cut": "to it varchar(3) is varchar"}

    @pytest.fixture
    def database(self, databases):
        return databases("duckdb")


class TestSQLiteConnector(ConnectorSuite):
    read_cases = SQLITE_READ_CASES

    @pytest.fixture
    def database(self, databases):
        return databases("sqlite")


class TestFilesConnector(ConnectorSuite):
    read_cases = FILE_READ_CASES
    never = {"test_extractions_of_one_snapshot_agree_while_others_write": "a file has no moments"}

    @pytest.fixture
    def database(self, databases):
        return databases("files")
