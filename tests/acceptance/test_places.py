"""Where a model is computed: the choice among places, copies on its target, and what a killed run leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import PlaceImpossible, QueryFailed, ValueLost
from dvt.core.places import Choice, Place
from dvt.core.requests import NodeRequest
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import Run, Workspace

pytestmark = pytest.mark.slow

JOIN = "SELECT count(*) AS n FROM {wh.large} l JOIN {crm.small} s ON s.id = l.id"
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.acceptance.federating import Workspace
workspace = Workspace(Path(sys.argv[1]))
for name in ("crm", "wh"):
    path = str(workspace.root / f"{name}.duckdb")
    workspace.outputs[name] = {"type": "duckdb", "path": path, "schema": "main"}
run = workspace.run()
with run.federator.copies(run.request("m", sys.argv[2], "wh", compute="target")) as copies:
    print(*(table.identifier for table in copies.tables.values()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path)
    small = "CREATE TABLE small AS SELECT i::INTEGER AS id, i % 3 AS kind FROM range(1000) t(i)"
    large = "CREATE TABLE large AS SELECT i::INTEGER AS id, 'text ' || i AS t FROM range(600000) t(i)"
    workspace.duckdb("crm", small, large)
    workspace.duckdb("wh", small, large)
    FILES.close()
    yield workspace
    FILES.close()


def chosen(run: Run, sql: str, **options: Any) -> Choice:
    return run.federator.choose(run.request("m", sql, "wh", **options))


def test_what_is_large_stays_where_it_is(workspace: Workspace) -> None:
    with workspace.run() as run:
        choice = chosen(run, JOIN)
        assert choice.place is Place.TARGET
        target, engine, _ = choice.options
        assert (target.rows, engine.rows) == (1000, 601_000)
        assert "1,000 rows" in choice.why
        assert chosen(run, JOIN.replace("wh.large", "crm.large")).place is Place.SOURCE
        both = JOIN.replace("wh.large", "crm.large").replace("crm.small", "wh.small")
        assert chosen(run, both.replace("count(*) AS n", "l.*")).place is Place.ENGINE
        assert chosen(run, "SELECT 1 AS a FROM {crm.small}").place is Place.ENGINE


def test_the_named_place_is_taken_or_refused(workspace: Workspace) -> None:
    with workspace.run() as run:
        assert chosen(run, JOIN, compute="duckdb").place is Place.ENGINE
        assert chosen(run, "SELECT 1 AS a FROM {crm.small}", compute="target").place is Place.TARGET
        assert chosen(run, "SELECT 1 AS a FROM {crm.small}", only_on_target="it is one").place is Place.TARGET
        with pytest.raises(PlaceImpossible, match="written in postgres, which wh does not speak"):
            chosen(run, JOIN, dialect="postgres", compute="target")
        with pytest.raises(PlaceImpossible, match="at its source"):
            chosen(run, JOIN, compute="source")


def test_what_no_engine_computes_the_source_may_compute(workspace: Workspace) -> None:
    with workspace.run() as run:
        sql = "SELECT count(*) AS n FROM {crm.large}"
        choice = chosen(run, sql, not_in_engine="it is a snapshot")
        assert choice.place is Place.SOURCE
        assert choice.options[1].problem == "it is a snapshot"
        with pytest.raises(PlaceImpossible, match="at its source: it is one"):
            chosen(run, sql, only_on_target="it is one", compute="source")


def test_what_hooks_name_is_copied_to_the_target(workspace: Workspace) -> None:
    with workspace.run() as run:
        sql, hooked = "SELECT count(*) AS n FROM {crm.large}", frozenset({"source.shop.crm.large"})
        choice = chosen(run, sql, hooked=hooked)
        assert choice.place is Place.TARGET
        assert all("hooks" in option.problem for option in choice.options[1:])
        assert chosen(run, sql, hooked=hooked, compute="source").place is Place.SOURCE


def test_what_is_not_proven_in_the_engine_is_not_computed_there(workspace: Workspace) -> None:
    workspace.outputs["pg"] = {
        "type": "postgres",
        "host": "127.0.0.1",
        "dbname": "x",
        "user": "x",
        "pass": "x",
    }
    with workspace.run() as run:
        choice = chosen(run, "SELECT reverse_of(id) AS r FROM {crm.large}", dialect="postgres")
        target, engine, _ = choice.options
        assert "not proven" in engine.problem
        assert "reverse_of" in engine.problem
        assert "written in postgres" in target.problem


def test_what_a_target_answers_of_itself_is_asked_of_the_target(workspace: Workspace) -> None:
    with workspace.run() as run:
        sql = "SELECT id, current_database() AS d FROM {crm.small}"
        target, engine, _ = chosen(run, sql).options
        assert chosen(run, sql).place is Place.TARGET
        assert "current_database() is not proven there" in engine.problem
        assert not target.problem
        with run.federator.copies(run.request("m", sql, "wh")) as copies:
            assert workspace.query("wh", copies.sql)[0] == (0, "wh")
        files = "SELECT s.id FROM {crm.small} s WHERE s.id IN (SELECT 1 FROM read_text('*.none'))"
        assert not chosen(run, files).options[1].problem.startswith("read_text")


def test_a_target_with_settings_of_its_own_computes_by_them(workspace: Workspace) -> None:
    settings = {"Integer_Division": True, "default_order": "asc", "threads": 2, "null_order": "NULLS FIRST"}
    workspace.outputs["wh"] = workspace.outputs["wh"] | {"settings": settings}
    with workspace.run() as run:
        choice = chosen(run, "SELECT 7 / 2 AS x FROM {crm.small}")
        assert choice.place is Place.TARGET
        assert "sessions of 'wh' have " in choice.options[1].problem
        plan = run.federator.plan(
            run.request("m", "SELECT 7 / 2 AS x FROM {crm.small}", "wh", compute="duckdb")
        )
        noticed = [notice.message for notice in plan.notices if notice.code == "DVT003"]
        assert [text.partition(" have ")[2] for text in noticed] == [
            "default_null_order = NULLS_FIRST",
            "integer_division = true",
        ]


def test_a_function_that_a_user_has_made_on_the_target_is_called_there(workspace: Workspace) -> None:
    workspace.query("wh", "CREATE MACRO Greatest(a, b) AS 'mine'")
    FILES.close()
    with workspace.run() as run:
        assert chosen(run, "SELECT id, 'greatest(' AS t FROM {crm.small}").place is Place.ENGINE
        choice = chosen(run, "SELECT greatest(id, 1) AS x FROM {crm.small}")
        assert choice.place is Place.TARGET
        assert choice.options[1].problem.startswith("greatest is not proven there: a user has made")
        workspace.query("wh", "CREATE MACRO least(a, b) AS 'mine'")
        run.federator.wrote("wh", None)
        assert chosen(run, "SELECT least(id, 1) AS x FROM {crm.small}").place is Place.TARGET


def test_models_with_other_columns_or_rows_have_other_copies(workspace: Workspace) -> None:
    with workspace.run() as run:

        def tables(sql: str) -> list[str]:
            with run.federator.copies(run.request("m", sql, "wh", compute="target")) as copies:
                assert workspace.query("wh", copies.sql)
                return [table.identifier for table in copies.tables.values()]

        first = tables("SELECT id, kind FROM {crm.small}")
        assert tables("SELECT id FROM {crm.small} WHERE id > 5") == first
        assert tables("SELECT s.id FROM {crm.small} s") == first
        assert tables("SELECT t FROM {crm.large} WHERE id < 9") != first
        assert set(first) <= set(workspace.tables("wh"))
        run.federator.wrote("crm", workspace.ref("crm", "small"))
        assert tables("SELECT id, kind FROM {crm.small}") != first
    assert workspace.tables("wh") == ["large", "small"]


def test_a_copy_that_lacks_a_column_serves_no_model_that_reads_it(workspace: Workspace) -> None:
    with workspace.run() as run:
        requests = [
            run.request(name, sql, "wh", compute="target")
            for name, sql in (("m", "SELECT id FROM {crm.small}"), ("n", "SELECT id, kind FROM {crm.small}"))
        ]
        run.federator.expect(requests)
        for request in requests:
            with run.federator.copies(request) as copies:
                assert len(workspace.query("wh", copies.sql)) == 1000
        assert run.reporter.extracted() == ["crm"]


def test_models_that_read_other_columns_share_a_copy_with_all_of_them(workspace: Workspace) -> None:
    texts = {
        "counted": "SELECT count(*) AS n FROM {crm.small}",
        "kinds": "SELECT kind FROM {crm.small}",
        "ids": "WITH s AS (SELECT * FROM {crm.small}) SELECT id FROM s WHERE kind IS NOT NULL",
        "all": "SELECT * FROM {crm.small}",
    }
    with workspace.run() as run:
        requests = [run.request(name, sql, "wh", compute="target") for name, sql in texts.items()]
        run.federator.expect(requests)
        made = set()
        for request in requests:
            with run.federator.copies(request) as copies:
                made |= set(copies.tables.values())
                rows = workspace.query("wh", copies.sql)
            assert len(rows) == (1 if request.name == "counted" else 1000)
            assert rows[0] == {"counted": (1000,), "kinds": (0,), "ids": (0,), "all": (0, 0)}[request.name]
        assert len(made) == 1
        loads = [moved for _, moved in run.reporter.movements if moved.what == "load"]
        assert len(loads) == 1


def test_what_one_model_alone_cannot_have_copied_fails_that_model_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"kinds": "SELECT kind FROM {crm.small}", "ids": "SELECT id FROM {crm.small}"}
    with workspace.run() as run:
        loader = run.federator._resources.connections["wh"].connector
        fill = loader.fill

        def refuse(load: Any, dataset: Any) -> int:
            if any(column.name == "kind" for column in load.columns):
                raise ValueLost(f"{load.stage}, column kind", "is wrong", "")
            return int(fill(load, dataset))

        monkeypatch.setattr(loader, "fill", refuse)
        requests = [run.request(name, sql, "wh", compute="target") for name, sql in texts.items()]
        run.federator.expect(requests)
        for _ in range(2):
            with run.federator.copies(requests[1]) as copies:
                assert len(workspace.query("wh", copies.sql)) == 1000
            with (
                pytest.raises(ValueLost, match=r"the copy of crm:crm\.main\.small, column kind"),
                run.federator.copies(requests[0]),
            ):
                pass
    assert workspace.tables("wh") == ["large", "small"]


def test_no_output_has_the_name_of_a_copy(workspace: Workspace) -> None:
    inner = "(SELECT max(s.kind) FROM {crm.small} s WHERE s.id < l.id)"
    sql = f"WITH x AS (SELECT 1) SELECT id, {inner}, length(t) + {inner} FROM {{wh.large}} l WHERE id < 3"
    native = sql.replace("{crm.small}", "small").replace("{wh.large}", "large")
    with (
        workspace.run() as run,
        run.federator.copies(run.request("m", sql, "wh", compute="target")) as copies,
    ):
        names, native_names = (
            [row[0] for row in workspace.query("wh", f"DESCRIBE ({text})")] for text in (copies.sql, native)
        )
    assert names == native_names


def fail_to_copy(run: Run, request: NodeRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for the copies of a model while the target takes none."""

    def fail(*_: object) -> int:
        raise QueryFailed("wh", "filling", "no")

    with monkeypatch.context() as patch:
        patch.setattr(run.federator._resources.connections["wh"].connector, "fill", fail)
        with pytest.raises(QueryFailed), run.federator.copies(request):
            pass


def test_a_copy_that_could_not_be_made_is_made_by_the_next_model(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace.run() as run:
        request = run.request("m", "SELECT id FROM {crm.small}", "wh", compute="target")
        fail_to_copy(run, request, monkeypatch)
        with run.federator.copies(request) as copies:
            assert len(workspace.query("wh", copies.sql)) == 1000


def test_a_copy_that_could_not_be_made_is_no_copy_with_its_columns(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace.run() as run:
        wide, narrow, whole = (
            run.request(name, f"SELECT {columns} FROM {{crm.small}}", "wh", compute="target")
            for name, columns in (("m", "id, kind"), ("n", "id"), ("o", "kind, id"))
        )
        run.federator.expect([wide, narrow, whole])
        fail_to_copy(run, wide, monkeypatch)
        for request in (narrow, whole):
            with run.federator.copies(request) as copies:
                assert len(workspace.query("wh", copies.sql)) == 1000


def test_the_next_run_sweeps_the_copies_of_a_killed_run(workspace: Workspace) -> None:
    root = Path(__file__).resolve().parents[2]
    sql = "SELECT id FROM {crm.small}"
    command = [sys.executable, "-c", KILLED, str(workspace.root), sql]
    killed = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = killed.stdout.split()
    assert left
    assert set(left) <= set(workspace.tables("wh"))
    with workspace.run() as run, run.federator.copies(run.request("m", sql, "wh", compute="target")):
        assert not set(left) & set(workspace.tables("wh"))
    assert workspace.tables("wh") == ["large", "small"]
