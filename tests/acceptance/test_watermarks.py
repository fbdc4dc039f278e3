"""What a watermark tells of a table's changes, and what it cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from dvt.drivers.duckdb import FILES
from tests.acceptance.changing_tables import WATERMARK, ServerWorkspace, as_in_the_table, fill, once

pytestmark = pytest.mark.slow


@pytest.fixture(params=["postgres", "mariadb"])
def workspace(
    tmp_path: Any, request: pytest.FixtureRequest, databases: Callable[[str], Any]
) -> Iterator[ServerWorkspace]:
    yield ServerWorkspace.of(tmp_path, databases(request.param))
    FILES.close()


class TestWatermark:
    """What a watermark tells, and what it cannot tell."""

    def later(self, seconds: int) -> str:
        return f"changed = timestamp '2026-01-01 00:00:00' + interval '{seconds}' second"

    def test_rows_from_the_watermark_on_are_read_again(self, workspace: ServerWorkspace) -> None:
        fill(workspace, 100)
        once(workspace, WATERMARK)
        assert once(workspace, WATERMARK)[1] == "unchanged: reused"
        workspace.execute(
            f"UPDATE facts SET a = 'z', {self.later(60)} WHERE id < 3", "DELETE FROM facts WHERE id = 50"
        )
        rows, note = once(workspace, WATERMARK)
        assert note == "3 changed, 1 deleted"
        assert rows == as_in_the_table(workspace)

    def test_a_row_that_was_committed_late_is_within_the_overlap(self, workspace: ServerWorkspace) -> None:
        fill(workspace)
        workspace.execute(f"UPDATE facts SET {self.later(20)} WHERE id = 1")
        once(workspace, WATERMARK)
        workspace.execute(f"UPDATE facts SET a = 'late', {self.later(12)} WHERE id = 2")
        rows, note = once(workspace, WATERMARK)
        assert note == "1 changed"
        assert rows == as_in_the_table(workspace)

    def test_a_row_without_a_watermark_is_always_read(self, workspace: ServerWorkspace) -> None:
        fill(workspace)
        once(workspace, WATERMARK)
        workspace.execute("UPDATE facts SET a = 'z', changed = NULL WHERE id = 1")
        rows, note = once(workspace, WATERMARK)
        assert note == "1 changed"
        assert rows == as_in_the_table(workspace)

    def test_a_clock_that_was_moved_back_means_full(self, workspace: ServerWorkspace) -> None:
        fill(workspace)
        workspace.execute(f"UPDATE facts SET {self.later(3600)}")
        once(workspace, WATERMARK)
        workspace.execute(f"UPDATE facts SET a = 'z', {self.later(60)}")
        rows, note = once(workspace, WATERMARK)
        assert note.startswith("extracted in full: no row is from 2026-01-01 01:00:00")
        assert rows == as_in_the_table(workspace)

    def test_a_table_that_was_refilled_with_older_rows_means_full(self, workspace: ServerWorkspace) -> None:
        fill(workspace)
        workspace.execute(f"UPDATE facts SET {self.later(3600)} WHERE id = 1")
        once(workspace, WATERMARK)
        workspace.execute("DELETE FROM facts WHERE id <> 1")
        rows = ", ".join(f"({number}, timestamp '2026-01-01 00:00:00')" for number in range(10, 14))
        workspace.execute(f"INSERT INTO facts (id, changed) VALUES {rows}")
        rows, note = once(workspace, WATERMARK)
        assert note.startswith("extracted in full: ")
        assert rows == as_in_the_table(workspace)

    def test_a_row_that_changes_below_the_watermark_is_missed(self, workspace: ServerWorkspace) -> None:
        """That is the promise of who names the column: it is higher in a row that was changed later."""
        fill(workspace)
        workspace.execute(f"UPDATE facts SET {self.later(3600)} WHERE id = 1")
        once(workspace, WATERMARK)
        workspace.execute("UPDATE facts SET a = 'missed' WHERE id = 2")
        workspace.execute(f"UPDATE facts SET a = 'seen', {self.later(3601)} WHERE id = 1")
        rows, note = once(workspace, WATERMARK)
        assert note == "1 changed"
        assert rows != as_in_the_table(workspace)
        assert once(workspace, WATERMARK, full_refresh=True)[0] == as_in_the_table(workspace)

    def test_a_number_may_be_the_watermark(self, workspace: ServerWorkspace) -> None:
        numbered = replace(WATERMARK.incremental, watermark="id", overlap=2)
        extraction = replace(WATERMARK, incremental=numbered)
        fill(workspace)
        once(workspace, extraction)
        workspace.execute("INSERT INTO facts (id, a) VALUES (7, 'new')", "DELETE FROM facts WHERE id = 0")
        rows, note = once(workspace, extraction)
        assert note == "1 new, 1 deleted"
        assert rows == as_in_the_table(workspace)
