"""The connector of MySQL and MariaDB keeps every connector's promises, on a real MariaDB."""

from __future__ import annotations

import pytest

from dvt.testing.suites import ServerLoadingSuite, ServerSuite
from tests.databases.mariadb_types import LOAD_CASES, READ_CASES

pytestmark = pytest.mark.slow


class TestMySQLConnector(ServerSuite, ServerLoadingSuite):
    read_cases = READ_CASES
    load_cases = LOAD_CASES
    never = {"test_extractions_of_one_snapshot_agree_while_others_write": "no snapshot without a lock"}

    @pytest.fixture
    def database(self, mariadb):
        return mariadb
