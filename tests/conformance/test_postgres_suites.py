"""PostgreSQL's connector keeps every connector's promises, on the real server."""

from __future__ import annotations

import pytest

from dvt.testing.databases import ReadCase
from dvt.testing.suites import ServerLoadingSuite, ServerSuite
from tests.databases.postgres import version
from tests.databases.postgres_types import LOAD_CASES, READ_CASES

pytestmark = pytest.mark.slow


def _is_there(case: ReadCase) -> bool:
    """Return whether the PostgreSQL of these tests has the type, and the value."""
    since = {"numeric(5,-2)": 15, "numeric(3,5)": 15}.get(case.type, 0)
    if case.type.startswith("numeric") and "infinity" in case.literal.lower():
        since = 14
    return version() >= since


class TestPostgresConnector(ServerSuite, ServerLoadingSuite):
    read_cases = tuple(case for case in READ_CASES if _is_there(case))
    load_cases = LOAD_CASES

    @pytest.fixture
    def database(self, postgres):
        return postgres
