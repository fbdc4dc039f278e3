"""Tables whose rows are kept: what a run takes of an earlier one's, and what it extracts again."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta

import duckdb
import pytest

from dvt.core.extraction import Extraction, Method
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import RenamingPublisher, Workspace

pytestmark = pytest.mark.slow

AUTO = Extraction(method=Method.AUTO)
SUM = "SELECT count(*) AS n, sum(v) AS s FROM {crm.facts} WHERE v >= 2"


class Source:
    """A table `facts (id, v, w)` of the connection `crm`, in a database or in files."""

    def __init__(self, workspace: Workspace, kind: str) -> None:
        self.workspace, self.kind = workspace, kind
        self.path = workspace.root / ("files" if kind in {"parquet", "csv"} else f"crm.{kind}")
        output = {"duckdb": {"type": "duckdb", "schema": "main"}, "sqlite": {"type": "sqlite"}}
        files = {"type": "files", "format": kind}
        workspace.outputs["crm"] = {**output.get(kind, files), "path": str(self.path)}
        if kind in {"parquet", "csv"}:
            self.path.mkdir()
        self.write([(1, 1, "a"), (2, 2, "b"), (3, 3, None)])

    def write(self, rows: list[tuple[object, ...]]) -> None:
        """Replace the table's rows, in another process's way: on a handle of its own."""
        FILES.close()
        values = ", ".join(str(tuple(row)).replace("None", "NULL") for row in rows)
        select = f"SELECT * FROM (VALUES {values}) AS t(id, v, w)"
        if self.kind == "sqlite":
            with sqlite3.connect(self.path) as db:
                db.execute("CREATE TABLE IF NOT EXISTS facts (id INTEGER, v INTEGER, w TEXT)")
                db.execute("DELETE FROM facts")
                db.executemany("INSERT INTO facts VALUES (?, ?, ?)", rows)
            db.close()
            return
        with duckdb.connect(str(self.path) if self.kind == "duckdb" else ":memory:") as db:
            if self.kind == "duckdb":
                db.execute(f"CREATE OR REPLACE TABLE facts AS {select}")
            else:
                db.execute(f"COPY ({select}) TO '{self.path}/facts.{self.kind}' (FORMAT {self.kind})")

    def settle(self) -> None:
        """Wait until the files are old enough for another write to get another time."""
        time.sleep(0.15)


@pytest.fixture(params=["duckdb", "sqlite", "parquet", "csv"])
def source(tmp_path, request):
    workspace = Workspace(tmp_path)
    source = Source(workspace, request.param)
    workspace.duckdb("wh")
    source.settle()
    yield source
    FILES.close()


def model(run, sql=SUM, name="m", extraction=AUTO, **options):
    """Federate a model whose sources have this config."""
    request = run.request(name, sql, "wh", **options)
    inputs = {key: replace(read, extraction=extraction) for key, read in request.inputs.items()}
    run.federator.federate(replace(request, inputs=inputs), RenamingPublisher(run, name))
    return run.rows("wh", name)


def notes(run):
    return [moved.note for _, moved in run.reporter.movements if moved.what == "extract"]


def once(source, sql=SUM, extraction=AUTO, **context):
    """Run one model; return its rows, and what became of kept rows."""
    FILES.close()
    with source.workspace.run(**context) as run:
        rows = model(run, sql, extraction=extraction)
        return rows, notes(run)


def states(source):
    return sorted(source.workspace.root.glob(".dvt/staging/_state/*/*/*/state.json"))


def datasets(source):
    """Return the folders of all datasets that are staged."""
    root = source.workspace.root / ".dvt/staging"
    return sorted(path.parent.relative_to(root).as_posix() for path in root.rglob("_committed.json"))


def test_rows_are_extracted_once_while_the_table_is_the_same(source):
    assert once(source) == ([(2, 5)], [""])
    assert once(source) == ([(2, 5)], ["unchanged: reused"])
    assert once(source, SUM.replace(">=", ">")) == ([(1, 3)], ["unchanged: reused"])
    (state,) = states(source)
    (dataset,) = datasets(source)
    content = json.loads(state.read_text())
    assert content["dataset"] == dataset
    assert content["row_count"] == 3
    assert [column["name"] for column in content["columns"]] == ["v"]
    assert content["source_name"] == "crm"
    assert content["extraction_method"] == "auto"


def test_what_has_changed_is_extracted_again_and_replaces_what_was_kept(source):
    once(source)
    source.write([(1, 1, "a"), (2, 2, "b"), (3, 4, None)])
    source.settle()
    assert once(source) == ([(2, 6)], [""])
    assert once(source) == ([(2, 6)], ["unchanged: reused"])
    assert len(states(source)) == len(datasets(source)) == 1


def test_a_query_for_other_columns_has_a_state_of_its_own(source):
    once(source)
    wider = "SELECT v, w FROM {crm.facts} ORDER BY 1"
    assert once(source, wider) == ([(1, "a"), (2, "b"), (3, None)], [""])
    assert len(states(source)) == 2
    assert once(source, wider)[1] == ["unchanged: reused"]
    assert once(source)[1] == ["unchanged: reused"]


def test_a_full_refresh_extracts_all_and_makes_a_new_state(source):
    once(source)
    (before,) = datasets(source)
    assert once(source, full_refresh=True)[1] == [""]
    (after,) = datasets(source)
    assert before != after
    assert once(source)[1] == ["unchanged: reused"]


def test_nothing_is_kept_unless_that_is_configured(source):
    assert once(source, extraction=Extraction()) == ([(2, 5)], [""])
    assert states(source) == datasets(source) == []


def test_a_file_that_was_written_just_now_is_not_trusted(source):
    """Another write in the same moment could leave it with the same times."""
    once(source)
    source.write([(1, 1, "a"), (2, 2, "b"), (3, 7, None)])
    future = time.time() + 3600
    for file in [source.path, *(source.path.iterdir() if source.path.is_dir() else ())]:
        os.utime(file, (future, future))  # as after a clock that was moved back
    assert once(source) == ([(2, 9)], [""])
    assert once(source) == ([(2, 9)], [""])


def test_cached_rows_are_taken_until_they_are_too_old_whatever_has_changed(source):
    cached = Extraction(method=Method.CACHED, ttl=timedelta(hours=1))
    assert once(source, extraction=cached) == ([(2, 5)], [""])
    source.write([(1, 1, "a")])
    rows, (note,) = once(source, extraction=cached)
    assert rows == [(2, 5)]
    assert note.endswith(" old: reused")
    old = replace(cached, ttl=timedelta(0))
    time.sleep(0.01)
    assert once(source, extraction=old)[1] == [""]
    assert once(source, extraction=AUTO)[1] == [""]


def test_a_table_that_the_run_has_written_is_extracted(source):
    once(source)
    FILES.close()
    with source.workspace.run() as run:
        run.federator.wrote("crm", source.workspace.ref("crm", "facts"))
        assert model(run) == [(2, 5)]
        assert notes(run) == [""]
    assert len(states(source)) == 1


def test_rows_of_a_dataset_that_is_gone_are_extracted(source):
    once(source)
    (dataset,) = datasets(source)
    for file in (source.workspace.root / ".dvt/staging" / dataset).iterdir():
        file.unlink()
    assert once(source) == ([(2, 5)], [""])


def test_a_state_that_is_damaged_is_none(source):
    once(source)
    (state,) = states(source)
    for text in ("", "{}", "[1]", '{"format": 99}', state.read_text().replace('"parts"', '"bits"')):
        state.write_text(text)
        assert once(source) == ([(2, 5)], [""]), text


DIE = """
import os, sys
from dataclasses import replace
from pathlib import Path
from tests.acceptance.federating import Workspace
from tests.acceptance.test_kept import AUTO, model

workspace = Workspace(Path(sys.argv[1]), outputs=eval(sys.argv[2]))
run = workspace.run()
model(run)
os._exit(9)
"""


def test_what_a_run_that_died_has_kept_is_taken_by_the_next(source):
    process = subprocess.run(
        [sys.executable, "-c", DIE, str(source.workspace.root), repr(source.workspace.outputs)], check=False
    )
    assert process.returncode == 9
    assert len(datasets(source)) == 1
    assert once(source)[1] == ["unchanged: reused"]
    assert len(datasets(source)) == 1
