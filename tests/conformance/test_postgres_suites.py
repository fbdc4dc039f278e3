"""PostgreSQL's connector keeps every connector's promises, on the real server."""

from __future__ import annotations

import pytest

from dvt.testing.suites import ServerLoadingSuite, ServerSuite
from tests.databases.postgres import version
from tests.databases.postgres_types import LOAD_CASES, READ_CASES

pytestmark = pytest.mark.slow


NEWER = {"numeric(5,-2)": 15, "numeric(3,5)": 15}
"""Type → the version of PostgreSQL that has it first."""


class TestPostgresConnector(ServerSuite, ServerLoadingSuite):
    read_cases = tuple(case for case in READ_CASES if case.type not in NEWER or version() >= NEWER[case.type])
    load_cases = LOAD_CASES

    @pytest.fixture
    def database(self, postgres):
        return postgres
