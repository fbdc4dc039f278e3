"""Versions of a kept dataset: rows that have changed are added to it, and it is written anew at times."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dvt.core.extraction import Extraction
from dvt.drivers.duckdb import FILES, changes
from dvt.staging.state import States
from tests.acceptance.changing_tables import HASH, WATERMARK, ServerWorkspace, as_in_the_table, fill, once

pytestmark = pytest.mark.slow

TEXTS = "SELECT id, CAST(d AS VARCHAR) AS t FROM {src.facts}"
"""A model of texts: tables of DuckDB itself may lose the sign of a zero."""


@pytest.fixture
def workspace(tmp_path: Any, databases: Callable[[str], Any]) -> Iterator[ServerWorkspace]:
    workspace = ServerWorkspace.of(tmp_path, databases("postgres"))
    fill(workspace, 100)
    once(workspace)
    yield workspace
    FILES.close()


def state_of(workspace: ServerWorkspace) -> tuple[Path, dict[str, Any]]:
    """Return the only state's file and content."""
    (file,) = workspace.root.rglob("_state/**/state.json")
    return file, json.loads(file.read_text())


def folder_of(workspace: ServerWorkspace) -> Path:
    file, state = state_of(workspace)
    return file.parents[4] / state["dataset"]


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def update(workspace: ServerWorkspace, number: int) -> None:
    workspace.execute(f"UPDATE facts SET a = 'v{number}', changed = now() WHERE id % 50 = {number % 50}")


def test_changed_rows_are_added_beside_what_was_kept(workspace: ServerWorkspace) -> None:
    folder = folder_of(workspace)
    before = files_of(folder)
    update(workspace, 1)
    workspace.execute("DELETE FROM facts WHERE id = 7", "INSERT INTO facts (id, a) VALUES (1000, 'new')")
    rows, note = once(workspace)
    assert (rows, note) == (as_in_the_table(workspace), "1 new, 2 changed, 1 deleted")
    assert folder_of(workspace) == folder
    after = files_of(folder)
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 2  # rows, and positions
    state = state_of(workspace)[1]
    assert state["deletes"] in after
    assert state["row_count"] == len(rows)


def test_new_rows_alone_need_no_positions(workspace: ServerWorkspace) -> None:
    workspace.execute("INSERT INTO facts (id, a) VALUES (1000, 'new')")
    assert once(workspace)[1] == "1 new"
    assert state_of(workspace)[1]["deletes"] == ""


def test_deleted_rows_alone_need_no_rows(workspace: ServerWorkspace) -> None:
    before = len(state_of(workspace)[1]["parts"])
    workspace.execute("DELETE FROM facts WHERE id IN (3, 4)")
    rows, note = once(workspace)
    assert (rows, note) == (as_in_the_table(workspace), "2 deleted")
    assert len(state_of(workspace)[1]["parts"]) == before


def test_a_dataset_of_which_little_is_left_is_written_anew(workspace: ServerWorkspace) -> None:
    folder = folder_of(workspace)
    for number in range(4):  # each replaces ten rows of a hundred
        workspace.execute(f"UPDATE facts SET a = 'v{number}' WHERE id % 10 = {number}")
        assert once(workspace)[0] == as_in_the_table(workspace), number
    assert folder_of(workspace) != folder
    assert not folder.exists()


def test_a_dataset_of_many_files_is_written_anew(
    workspace: ServerWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_MAX_FILES", 3)
    folders = set()
    for number in range(7):
        workspace.execute(f"INSERT INTO facts (id, a) VALUES ({1000 + number}, 'new')")
        assert once(workspace)[0] == as_in_the_table(workspace)
        assert len(state_of(workspace)[1]["parts"]) <= 3
        folders.add(folder_of(workspace))
    assert len(folders) == 3


def test_a_version_that_nothing_names_is_none(
    workspace: ServerWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run dies after it has added its files, and before it puts the state."""
    before = state_of(workspace)[1]
    update(workspace, 1)
    with monkeypatch.context() as patched:
        patched.setattr(States, "put", _die)
        with pytest.raises(RuntimeError, match="died"):
            once(workspace)
    assert state_of(workspace)[1] == before
    workspace.execute("DELETE FROM facts WHERE id = 7")
    rows, note = once(workspace)
    assert (rows, note) == (as_in_the_table(workspace), "2 changed, 1 deleted")


def _die(*_: object) -> None:
    raise RuntimeError("died")


def test_of_two_versions_of_one_dataset_each_is_whole(workspace: ServerWorkspace) -> None:
    """Two runs find the same state; the one that ends last names its version."""
    file, _ = state_of(workspace)
    found = file.read_bytes()
    update(workspace, 1)
    once(workspace)
    named = file.read_bytes()
    file.write_bytes(found)
    update(workspace, 2)
    assert once(workspace) == (as_in_the_table(workspace), "4 changed")
    file.write_bytes(named)
    assert once(workspace) == (as_in_the_table(workspace), "2 changed")


@pytest.mark.parametrize("lost", ["parts", "deletes"])
def test_a_version_of_which_a_file_is_gone_is_not_taken(workspace: ServerWorkspace, lost: str) -> None:
    update(workspace, 1)
    once(workspace)
    state = state_of(workspace)[1]
    name = state["deletes"] if lost == "deletes" else state["parts"][0]
    (folder_of(workspace) / name).unlink()
    assert once(workspace) == (as_in_the_table(workspace), "")


def test_rows_are_compared_in_parts(workspace: ServerWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that holds seven rows at once finds what one that holds all would find."""
    monkeypatch.setattr(changes, "_AT_ONCE", 7)
    update(workspace, 1)
    workspace.execute("DELETE FROM facts WHERE id % 30 = 7", "INSERT INTO facts (id) VALUES (1000), (1001)")
    assert once(workspace) == (as_in_the_table(workspace), "2 new, 2 changed, 4 deleted")


def test_deleted_keys_are_compared_in_parts(
    workspace: ServerWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.execute("UPDATE facts SET changed = now()")
    once(workspace, WATERMARK)
    monkeypatch.setattr(changes, "_AT_ONCE", 7)
    update(workspace, 1)
    workspace.execute("DELETE FROM facts WHERE id % 30 = 7")
    workspace.execute("INSERT INTO facts (id, changed) VALUES (1000, now()), (1001, now())")
    assert once(workspace, WATERMARK) == (as_in_the_table(workspace), "2 new, 2 changed, 4 deleted")


def test_a_zero_of_another_sign_is_another_value_within_the_overlap(workspace: ServerWorkspace) -> None:
    """DuckDB calls 0.0 and -0.0 equal; what was kept would show the wrong one."""
    workspace.execute("UPDATE facts SET d = 0.0, changed = timestamp '2026-01-02 00:00:00'")
    once(workspace, WATERMARK, TEXTS)
    workspace.execute("UPDATE facts SET d = '-0.0' WHERE id = 1")
    rows, note = once(workspace, WATERMARK, TEXTS)
    assert note == "1 changed"
    assert [number for number, text in rows if text == "-0.0"] == [1]


@pytest.mark.parametrize("second", [HASH, WATERMARK])
def test_rows_of_more_columns_serve_a_model_of_fewer(workspace: ServerWorkspace, second: Extraction) -> None:
    """What has changed comes with the columns that this model reads; the other state stays as it was."""
    workspace.execute("UPDATE facts SET changed = timestamp '2026-01-01 00:00:00'")
    once(workspace)
    few = "SELECT id, b FROM {src.facts}"
    for number in range(3):
        update(workspace, number)
        workspace.execute(f"DELETE FROM facts WHERE id = {90 + number}")
        rows, note = once(workspace, second, few)
        assert note == ("2 changed, 1 deleted" if number or second is HASH else note)
        assert rows == once(workspace, Extraction(), few)[0]
    assert once(workspace) == (as_in_the_table(workspace), "6 changed, 3 deleted")
