"""What a failed or killed run has extracted is taken by the next one, if no answer can be wrong by that."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dvt.core.errors import QueryFailed, ValueLost
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import RenamingPublisher, Workspace
from tests.acceptance.test_leftovers import kill, start

pytestmark = pytest.mark.slow

COUNT = "SELECT g, count(*) AS n FROM {crm.facts} WHERE v >= 0 GROUP BY 1"
BOTH = "SELECT count(*) AS n FROM {crm.facts} JOIN {crm.more} USING (v) WHERE facts.v >= 0"
MORE = "SELECT max(v) AS n FROM {crm.more}"
BUCKETS_YML = "shop: {buckets: {here: {type: filesystem, keep: %s, resume_within: %s}}}"


class FailingPublisher:
    """A Publisher that fails."""

    def publish(self, load):
        raise QueryFailed("wh", "publishing", "the disk is full")


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.duckdb(
        "crm",
        "CREATE TABLE facts AS SELECT i AS v, i % 2 AS g FROM range(1000) t(i)",
        "CREATE TABLE more AS SELECT i AS v FROM range(100) t(i)",
        "CREATE VIEW shown AS SELECT * FROM facts",
    )
    workspace.duckdb("wh")
    yield workspace
    FILES.close()


def begin(workspace, **context):
    return workspace.run(**{"resume": True, "written": frozenset({"wh"}), **context})


def of_sources(request):
    inputs = {key: replace(read, is_source=not read.this) for key, read in request.inputs.items()}
    return replace(request, inputs=inputs)


def federate(run, name, sql, publisher=None, **options):
    request = of_sources(run.request(name, sql, "wh", **options))
    outcome = run.federator.federate(request, publisher or RenamingPublisher(run, name))
    run.federator.wrote("wh", run.workspace.ref("wh", name))
    return outcome


def fail(workspace, *models, **context):
    """Run models of which the last one fails; return the run's name."""
    with begin(workspace, **context) as run:
        for name, sql in models[:-1]:
            federate(run, name, sql)
        with pytest.raises(QueryFailed, match="disk is full"):
            federate(run, *models[-1], FailingPublisher())
        return run.federator.run


def add_rows(workspace):
    """Change the source, so that a count tells at which moment it was read."""
    workspace.query("crm", "INSERT INTO facts SELECT 5000 + i, i % 2 FROM range(10) t(i)")
    workspace.query("crm", "INSERT INTO more VALUES (5000)")
    FILES.close()


def datasets(workspace):
    return [name for name in workspace.staged() if name.endswith("_committed.json")]


def notes(run):
    return [moved.note for _, moved in run.reporter.movements if moved.note]


def test_the_next_run_takes_what_a_failed_one_has_extracted(workspace):
    name = fail(workspace, ("m", COUNT))
    assert [staged.split("/")[:2] for staged in datasets(workspace)] == [[name, "crm"]]
    assert len(workspace.records()) == 2
    add_rows(workspace)
    with begin(workspace) as run:
        federate(run, "m", COUNT)
        assert run.rows("wh", "m") == [(0, 500), (1, 500)]
        assert (run.reporter.extracted(), run.reporter.extracted(reused=True)) == ([], ["crm"])
        [note] = notes(run)
        assert note.startswith("reused from the run of ")
        assert note.endswith(" that failed")
        assert run.federator.totals.extracted_rows == 0
    assert (workspace.staged(), workspace.records()) == ([], [])
    with begin(workspace) as run:
        federate(run, "m", COUNT)
        assert run.rows("wh", "m") == [(0, 505), (1, 505)]


def test_a_run_that_fails_over_the_same_rows_again_says_how_to_read_them_anew(workspace):
    fail(workspace, ("m", COUNT))
    with begin(workspace) as run, pytest.raises(QueryFailed):
        federate(run, "m", COUNT, FailingPublisher())
    [notice] = run.reporter.notices
    assert (notice[1].code, "--no-resume" in notice[1].hint) == ("DVT029", True)


def test_rows_that_were_refused_are_read_anew(workspace):
    """Somebody mends them at the source, and runs it again."""

    class Refusing:
        def publish(self, load):
            raise ValueLost("output column n", "value too long", "change it")

    with begin(workspace) as run, pytest.raises(ValueLost):
        federate(run, "m", COUNT, Refusing())
    assert datasets(workspace) == []
    add_rows(workspace)
    with begin(workspace) as run:
        federate(run, "m", COUNT)
        assert run.rows("wh", "m") == [(0, 505), (1, 505)]


def test_runs_that_fail_again_and_again_read_one_moment(workspace):
    fail(workspace, ("m", COUNT))
    add_rows(workspace)
    fail(workspace, ("m", COUNT))
    with begin(workspace) as run:
        federate(run, "m", COUNT)
        assert run.rows("wh", "m") == [(0, 500), (1, 500)]
    assert (workspace.staged(), workspace.records()) == ([], [])


DIE = """
import os, signal, sys
from pathlib import Path
from tests.acceptance.federating import Workspace
from tests.acceptance.test_resume import COUNT, begin, federate
workspace = Workspace(Path(sys.argv[1]))
for name in ("crm", "wh"):
    path = str(workspace.root / f"{name}.duckdb")
    workspace.outputs[name] = {"type": "duckdb", "path": path, "schema": "main"}
class DyingPublisher:
    def publish(self, load):
        print("ready", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
with begin(workspace) as run:
    federate(run, "m", COUNT, DyingPublisher())
"""


def test_the_next_run_takes_what_a_killed_one_has_committed(workspace):
    FILES.close()
    kill(start(workspace, DIE))
    add_rows(workspace)
    with begin(workspace) as run:
        assert [staged.split("/")[1] for staged in datasets(workspace)] == ["crm"]
        federate(run, "m", COUNT)
        assert run.rows("wh", "m") == [(0, 500), (1, 500)]
        assert run.reporter.extracted() == []
    assert (workspace.staged(), workspace.records()) == ([], [])


def test_a_model_takes_what_was_extracted_for_several(workspace):
    with begin(workspace) as run:
        sqls = {"a": "SELECT max(v) AS m FROM {crm.facts}", "b": "SELECT max(g) AS m FROM {crm.facts}"}
        run.federator.expect([of_sources(run.request(name, sql, "wh")) for name, sql in sqls.items()])
        federate(run, "a", sqls["a"])
        with pytest.raises(QueryFailed):
            federate(run, "b", sqls["b"], FailingPublisher())
    add_rows(workspace)
    with begin(workspace) as run:
        federate(run, "b", sqls["b"])
        assert (run.rows("wh", "b"), run.reporter.extracted()) == ([(1,)], [])


def test_a_model_takes_all_of_a_connections_answers_or_none(workspace):
    fail(workspace, ("m", COUNT))
    add_rows(workspace)
    with begin(workspace) as run:
        federate(run, "both", BOTH)
        assert run.rows("wh", "both") == [(101,)]
        assert run.reporter.extracted(reused=True) == []


def test_models_that_share_a_query_read_the_moment_of_their_other_queries(workspace):
    """One of them takes the earlier run's answer, the other cannot; it extracts the same query again."""
    fail(workspace, ("m", COUNT))
    add_rows(workspace)
    with begin(workspace) as run:
        federate(run, "m", COUNT)
        federate(run, "both", BOTH)
        assert (run.rows("wh", "m"), run.rows("wh", "both")) == ([(0, 500), (1, 500)], [(101,)])


def test_answers_of_two_snapshots_are_not_taken_together(workspace):
    fail(workspace, ("m", "SELECT v FROM {crm.facts}"), ("n", "SELECT v FROM {crm.more}"))
    marker = workspace.root / ".dvt" / "staging" / datasets(workspace)[0]
    content = json.loads(marker.read_text())
    content["answer_to"]["snapshot"] += 1
    marker.write_text(json.dumps(content))
    with begin(workspace) as run:
        federate(run, "both", "SELECT count(*) AS n FROM {crm.facts} f, {crm.more} m WHERE f.v = m.v")
        assert (run.rows("wh", "both"), notes(run)) == ([(100,)], [])


def test_answers_of_one_snapshot_are_taken_together(workspace):
    fail(workspace, ("m", "SELECT v FROM {crm.facts}"), ("n", "SELECT v FROM {crm.more}"))
    add_rows(workspace)
    with begin(workspace) as run:
        federate(run, "both", "SELECT count(*) AS n FROM {crm.facts} f, {crm.more} m WHERE f.v = m.v")
        assert (run.rows("wh", "both"), len(notes(run))) == ([(100,)], 2)


REFUSED = {
    "another query": {"sql": COUNT.replace("v >= 0", "v >= 1"), "result": [(0, 504), (1, 505)]},
    "more rows": {"sql": COUNT.replace(" WHERE v >= 0", ""), "result": [(0, 505), (1, 505)]},
    "not asked to": {"context": {"resume": False}},
    "the connection is written to": {"context": {"written": frozenset({"wh", "crm"})}},
    "nobody knows what is written": {"context": {"written": None}},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_may_be_wrong_is_extracted_again(workspace, case):
    refused = REFUSED[case]
    fail(workspace, ("m", COUNT))
    add_rows(workspace)
    with begin(workspace, **refused.get("context", {})) as run:
        federate(run, "m", refused.get("sql", COUNT))
        assert run.rows("wh", "m") == refused.get("result", [(0, 505), (1, 505)])
        assert (run.reporter.extracted(), notes(run)) == (["crm"], [])
    assert (workspace.staged(), workspace.records()) == ([], [])


NOTHING_LEFT = {
    "a view": ("SELECT count(*) AS n FROM {crm.shown}", {}),
    "not asked to": (COUNT, {"resume": False}),
    "the connection is written to": (COUNT, {"written": frozenset({"wh", "crm"})}),
    "nobody knows what is written": (COUNT, {"written": None}),
}


@pytest.mark.parametrize("case", NOTHING_LEFT)
def test_what_no_later_run_may_take_is_removed_after_a_failed_one(workspace, case):
    sql, context = NOTHING_LEFT[case]
    fail(workspace, ("m", sql), **context)
    assert (workspace.staged(), workspace.records()) == ([], [])


def test_what_a_model_has_built_is_not_left(workspace):
    with begin(workspace) as run:
        request = run.request("m", COUNT, "wh")
        with pytest.raises(QueryFailed):
            run.federator.federate(request, FailingPublisher())
    add_rows(workspace)
    with begin(workspace) as run:
        run.model("m", COUNT, "wh")
        assert run.rows("wh", "m") == [(0, 505), (1, 505)]


def test_a_run_that_wrote_where_nobody_expected_it_leaves_nothing(workspace):
    with begin(workspace) as run:
        with pytest.raises(QueryFailed):
            federate(run, "m", COUNT, FailingPublisher())
        run.federator.wrote("crm", None)
    assert (workspace.staged(), workspace.records()) == ([], [])


def test_another_database_under_the_same_name_is_another_connection(workspace):
    fail(workspace, ("m", COUNT))
    FILES.close()
    moved = workspace.root / "moved" / "crm.duckdb"
    moved.parent.mkdir()
    Path(workspace.outputs["crm"]["path"]).rename(moved)
    workspace.outputs["crm"] = {**workspace.outputs["crm"], "path": str(moved)}
    with begin(workspace) as run:
        federate(run, "m", COUNT)
        assert run.reporter.extracted() == ["crm"]


def test_a_query_of_people_reads_the_present(workspace):
    fail(workspace, ("m", COUNT))
    add_rows(workspace)
    with begin(workspace) as run:
        answer = run.federator.select(of_sources(run.request("shown", COUNT, "wh")))
        assert sorted(answer.rows) == [(0, 505), (1, 505)]
    assert datasets(workspace)  # nothing was built, so a retry may still take it


def test_a_damaged_dataset_is_extracted_again(workspace):
    fail(workspace, ("m", COUNT))
    [part] = (workspace.root / ".dvt" / "staging").rglob("*.parquet")
    part.unlink()
    with begin(workspace) as run:
        federate(run, "m", COUNT)
        assert (run.rows("wh", "m"), run.reporter.extracted()) == ([(0, 500), (1, 500)], ["crm"])


@pytest.mark.parametrize(("keep", "within"), [("never", "6h"), ("after_failure", "0h")])
def test_a_bucket_that_keeps_nothing_is_empty_after_a_failed_run(workspace, keep, within):
    workspace.root.joinpath("buckets.yml").write_text(BUCKETS_YML % (keep, within))
    fail(workspace, ("m", COUNT))
    assert (workspace.staged(), workspace.records()) == ([], [])


def test_what_is_too_old_to_be_taken_is_removed_by_the_next_run(workspace):
    fail(workspace, ("m", COUNT))
    workspace.root.joinpath("buckets.yml").write_text(BUCKETS_YML % ("after_failure", "0h"))
    with begin(workspace) as run:
        assert workspace.staged() == []
        federate(run, "m", COUNT)
        assert run.reporter.extracted() == ["crm"]
    assert workspace.records() == []


def test_a_bucket_that_keeps_all_keeps_the_answers_of_a_run_that_succeeded_and_nobody_takes_them(workspace):
    workspace.root.joinpath("buckets.yml").write_text(BUCKETS_YML % ("always", "6h"))
    with begin(workspace) as run:
        federate(run, "m", COUNT)
    kept = set(workspace.staged())
    assert not any(name.startswith("_leases") for name in kept)
    assert {name.split("/")[1] for name in kept} == {"crm", "_results"}
    add_rows(workspace)
    with begin(workspace) as run:
        federate(run, "m", COUNT)
        assert run.rows("wh", "m") == [(0, 505), (1, 505)]
    assert kept < set(workspace.staged())
    assert workspace.records() == []
