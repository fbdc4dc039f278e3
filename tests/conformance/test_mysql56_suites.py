"""The connector of MySQL keeps every connector's promises on the oldest MySQL that it knows: 5.6, for real.

`make test-versions` runs these; tools/versions.sh fetches the server.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from dvt.testing.connectors import Bench
from dvt.testing.suites import ServerLoadingSuite, ServerSuite
from tests.databases.mysql56 import FOLDER
from tests.databases.mysql56_types import LOAD_CASES, READ_CASES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.versions,
    pytest.mark.skipif(FOLDER not in os.environ, reason="`make test-versions` fetches MySQL 5.6"),
]


class TestMySQL56Connector(ServerSuite, ServerLoadingSuite):
    read_cases = READ_CASES
    load_cases = LOAD_CASES
    never = {"test_extractions_of_one_snapshot_agree_while_others_write": "no snapshot without a lock"}

    @pytest.fixture
    def database(self, databases: Callable[[str], Any]) -> Any:
        return databases("mysql56")

    @pytest.mark.parametrize(
        ("case", "rows", "key"),
        [
            ("null", 'SELECT 1 AS "the id", NULL AS word, 2 AS total', "the id"),
            ("twice", "SELECT 1 AS \"the id\", 'a' AS word, 2 AS total FROM range(2)", "the id"),
        ],
        ids=["null", "twice"],
    )
    def test_a_row_that_breaks_a_constraint_leaves_no_table(
        self, bench: Bench, case: str, rows: str, key: str
    ) -> None:
        """MySQL before 8.0.16 reads CHECK, and forgets it."""
        super().test_a_row_that_breaks_a_constraint_leaves_no_table(bench, case, rows, key)
