"""PostgreSQL's connector keeps every connector's promises, on the real server."""

from __future__ import annotations

import pytest

from dvt.testing.suites import ServerLoadingSuite, ServerSuite
from tests.databases.postgres_types import LOAD_CASES, READ_CASES

pytestmark = pytest.mark.slow


class TestPostgresConnector(ServerSuite, ServerLoadingSuite):
    read_cases = READ_CASES
    load_cases = LOAD_CASES

    @pytest.fixture
    def database(self, postgres):
        return postgres
