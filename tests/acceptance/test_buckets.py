"""The buckets that a run stages in: which, in whose folder, and that nothing stays in any of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from dvt.buckets.filesystem import FilesystemBucket
from dvt.config import bucket_entries
from dvt.config.buckets import BUCKETS
from dvt.core.errors import BucketsInvalid, FolderTaken, UnknownBucket
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import RenamingPublisher, Workspace
from tests.acceptance.test_leftovers import DIE_AFTER_FILL_SCRIPT, kill, start

pytestmark = pytest.mark.slow

BUCKETS_YML = """\
shop:
  target: main
  buckets:
    main: {{type: {type}, path: {root}/main}}
    eu: {{type: {type}, path: {root}/eu, prefix: '{{profile}}/x', compression: 'zstd:3'}}
    broken: {{type: filesystem, path: '${{DVT_TEST_NEVER_SET}}/x'}}
    here: {{type: filesystem}}
"""
COUNT = "SELECT count(*) AS n FROM {crm.facts} WHERE v >= 0"


class FarBucket(FilesystemBucket):
    """A bucket that no program of this machine reaches by itself."""

    consumers: frozenset[str] = frozenset()


@pytest.fixture(params=["filesystem", "far"])
def workspace(tmp_path, monkeypatch, request):
    monkeypatch.setitem(BUCKETS._own, "far", "tests.acceptance.test_buckets:FarBucket")
    monkeypatch.setattr(BUCKETS, "_merged", None)
    workspace = Workspace(tmp_path / "project")
    workspace.root.mkdir()
    workspace.duckdb("crm", "CREATE TABLE facts AS SELECT i AS v, i % 10 AS g FROM range(1000) t(i)")
    workspace.duckdb("wh")
    (workspace.root / "buckets.yml").write_text(BUCKETS_YML.format(root=tmp_path, type=request.param))
    yield workspace
    FILES.close()


def begin(workspace, **context):
    return workspace.run(project="My Shop", **context)


def staged(workspace, bucket):
    """Return the datasets in a bucket, below the project's folder in it, but for the run's own name."""
    root = workspace.root.parent / bucket
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {
        f"{path.relative_to(root).parent.parent.parent.as_posix()}:{path.parent.parent.name}"
        for path in files
        if path.suffix == ".parquet"
    }


def markers(workspace):
    return sorted(
        path.relative_to(workspace.root.parent).as_posix()
        for path in workspace.root.parent.rglob("_owner.json")
    )


def with_bucket(request, bucket):
    inputs = {key: replace(read, bucket=bucket) for key, read in request.inputs.items()}
    return replace(request, inputs=inputs)


def federate(run, request):
    run.federator.federate(request, RenamingPublisher(run, request.name))


def test_data_is_in_the_projects_folder_of_the_profiles_bucket(workspace):
    with begin(workspace, keep_staging=True) as run:
        run.model("m", COUNT, "wh")
        assert run.rows("wh", "m") == [(1000,)]
        name = run.federator.run
    assert staged(workspace, "main") == {f"~4dy~20~53hop/{name}:crm", f"~4dy~20~53hop/{name}:_results"}
    assert markers(workspace) == ["main/~4dy~20~53hop/_owner.json"]
    marker = json.loads((workspace.root.parent / markers(workspace)[0]).read_text())
    assert marker["project"] == "My Shop"
    assert not (workspace.root.parent / "eu").exists()
    assert workspace.staged() == []


def test_a_dataset_is_in_its_sources_bucket_and_the_answer_in_the_models(workspace):
    with begin(workspace, keep_staging=True) as run:
        federate(run, with_bucket(run.request("m", COUNT, "wh", bucket="main"), "eu"))
        name = run.federator.run
    assert staged(workspace, "eu") == {f"shop/x/~4dy~20~53hop/{name}:crm"}
    assert staged(workspace, "main") == {f"~4dy~20~53hop/{name}:_results"}


def test_what_has_no_bucket_is_in_that_of_the_model_that_reads_it(workspace):
    with begin(workspace, keep_staging=True) as run:
        run.model("m", COUNT, "wh", bucket="eu")
        name = run.federator.run
    folder = f"shop/x/~4dy~20~53hop/{name}"
    assert staged(workspace, "eu") == {f"{folder}:crm", f"{folder}:_results"}
    assert staged(workspace, "main") == set()


def test_the_command_line_overrides_the_profile(workspace):
    with begin(workspace, keep_staging=True, bucket="eu") as run:
        run.model("m", COUNT, "wh")
    assert len(staged(workspace, "eu")) == 2
    assert staged(workspace, "main") == set()


def test_models_of_one_bucket_share_what_they_read_and_others_do_not(workspace):
    with begin(workspace) as run:
        for name, bucket in {"a": "main", "b": "eu", "c": "", "d": "eu"}.items():
            run.model(name, COUNT, "wh", bucket=bucket)
            assert run.rows("wh", name) == [(1000,)]
        assert (run.reporter.extracted(), run.reporter.extracted(reused=True)) == (["crm"] * 2, ["crm"] * 2)
        federate(run, with_bucket(run.request("e", COUNT, "wh", bucket="main"), "eu"))
        assert (len(run.reporter.extracted()), len(run.reporter.extracted(reused=True))) == (2, 3)


def test_expected_queries_are_merged_within_a_bucket_only(workspace):
    with begin(workspace, keep_staging=True) as run:
        texts = {"a": "v", "b": "g", "c": "v", "d": "g"}
        requests = [
            run.request(name, f"SELECT max({column}) AS m FROM {{crm.facts}}", "wh", bucket=bucket)
            for (name, column), bucket in zip(texts.items(), ("main", "main", "eu", "eu"), strict=True)
        ]
        run.federator.expect(requests)
        for request in requests:
            federate(run, request)
        assert [run.rows("wh", name) for name in texts] == [[(999,)], [(9,)], [(999,)], [(9,)]]
        assert (len(run.reporter.extracted()), len(run.reporter.extracted(reused=True))) == (2, 2)
    assert len(staged(workspace, "eu")) == len(staged(workspace, "main")) == 2


def test_a_run_leaves_nothing_but_the_marker_in_any_bucket(workspace):
    with begin(workspace) as run:
        run.model("m", COUNT, "wh", bucket="eu")
        run.model("n", COUNT, "wh")
    files = [path for name in ("main", "eu") for path in (workspace.root.parent / name).rglob("*")]
    assert {path.name for path in files if path.is_file()} == {"_owner.json"}
    assert workspace.records() == []


def test_files_are_compressed_as_their_bucket_says(workspace):
    codecs = {}
    with begin(workspace, keep_staging=True) as run:
        for bucket in ("main", "eu"):
            run.model(bucket, COUNT, "wh", bucket=bucket)
    for bucket in ("main", "eu"):
        files = str(workspace.root.parent / bucket / "**/*.parquet")
        codecs[bucket] = duckdb.sql(
            f"SELECT DISTINCT compression FROM parquet_metadata('{files}')"
        ).fetchall()
    default = "SNAPPY" if "type: filesystem" in (workspace.root / "buckets.yml").read_text()[:60] else "ZSTD"
    assert codecs == {"main": [(default,)], "eu": [("ZSTD",)]}


def test_another_projects_folder_is_refused_before_anything_moves(workspace):
    with begin(workspace) as run:
        run.model("m", COUNT, "wh")
    yml = (workspace.root / "buckets.yml").read_text().replace("shop:\n", "shop:\n  project_id: My Shop\n")
    (workspace.root / "buckets.yml").write_text(yml)
    with workspace.run(project="bakery") as run:
        with pytest.raises(FolderTaken, match=r"DVT155 m \(models/m.sql\): folder '~4dy~20~53hop' of bucket"):
            run.model("m", COUNT, "wh")
        assert run.reporter.extracted() == []
        run.model("m", COUNT, "wh", bucket="eu")
    assert len(markers(workspace)) == 2


def test_the_projects_own_folder_has_no_other_folder_and_no_marker(workspace):
    with begin(workspace, keep_staging=True) as run:
        run.model("m", COUNT, "wh", bucket="here")
        name = run.federator.run
        assert all(file.startswith((name, f"_leases/{name}/")) for file in workspace.staged())
    assert markers(workspace) == []


def test_an_unknown_bucket_is_an_error_before_anything_moves(workspace):
    with begin(workspace) as run:
        with pytest.raises(UnknownBucket, match="did you mean 'main'"):
            run.model("m", COUNT, "wh", bucket="mian")
        assert run.reporter.extracted() == []
    with pytest.raises(UnknownBucket, match="did you mean 'eu'"):
        begin(workspace, bucket="e")
    assert workspace.records() == []


def test_a_variable_that_is_not_set_is_an_error_of_the_model_that_needs_the_bucket(workspace):
    with begin(workspace) as run:
        with pytest.raises(BucketsInvalid, match=r"m \(models/m.sql\): .*line 6: .* DVT_TEST_NEVER_SET"):
            run.model("m", COUNT, "wh", bucket="broken")
        run.model("m", COUNT, "wh")


@pytest.mark.timeout(120)
def test_a_bucket_that_cannot_be_opened_leaves_no_model_that_waits(workspace):
    """What the failed model would have extracted is extracted by the next one."""
    workspace.duckdb("crm", "CREATE TABLE more AS SELECT 1 AS v")
    with begin(workspace) as run:
        both = "SELECT count(*) AS n FROM {crm.facts} JOIN {crm.more} USING (v) WHERE facts.v >= 0"
        request = run.request("m", both, "wh")
        inputs = {
            key: replace(read, bucket="broken" if read.table.identifier == "more" else "")
            for key, read in request.inputs.items()
        }
        with pytest.raises(BucketsInvalid, match="DVT_TEST_NEVER_SET"):
            federate(run, replace(request, inputs=inputs))
        run.model("n", COUNT, "wh")
        assert run.reporter.extracted() == ["crm"]


def test_a_missing_recommended_key_is_a_warning_of_the_run_that_uses_the_bucket(workspace, monkeypatch):
    monkeypatch.setattr(bucket_entries, "RECOMMENDED", {"filesystem": ("path", "it is here")})
    with begin(workspace) as run:
        run.model("m", COUNT, "wh", bucket="main")
        assert run.reporter.notices == []
        run.model("n", COUNT, "wh", bucket="here")
        run.model("o", COUNT, "wh", bucket="here")
        ((_, notice),) = run.reporter.notices
    assert (notice.code, "bucket shop.here has no path" in notice.message) == ("DVT028", True)


def test_two_names_of_one_folder_are_one_bucket(workspace):
    yml = (workspace.root / "buckets.yml").read_text()
    main = next(line for line in yml.splitlines() if "main:" in line and "path" in line)
    (workspace.root / "buckets.yml").write_text(yml + main.replace("main:", "twin:") + "\n")
    with begin(workspace) as run:
        for number, bucket in enumerate(("main", "twin", "main", "twin")):
            run.model("m", COUNT.replace("0", str(number)), "wh", bucket=bucket)
            assert run.rows("wh", "m") == [(1000 - number,)]


@pytest.mark.slow
@pytest.mark.parametrize("workspace", ["filesystem"], indirect=True)
def test_the_next_run_removes_what_a_dead_one_left_in_any_bucket(workspace, tmp_path):
    FILES.close()
    die = DIE_AFTER_FILL_SCRIPT.replace("workspace.run()", "workspace.run(project='My Shop')").replace(
        'run.model("m", "SELECT g FROM {crm.facts}", "wh", DyingPublisher())',
        'run.model("m", "SELECT g FROM {crm.facts}", "wh")\n'
        '    run.model("m", "SELECT g FROM {crm.facts}", "wh", DyingPublisher(), bucket="eu")',
    )
    kill(start(workspace, die))
    assert staged(workspace, "main")
    assert staged(workspace, "eu")
    with begin(workspace) as run:
        assert run.reporter.notices == []
        assert staged(workspace, "main") == staged(workspace, "eu") == set()
        run.model("m", COUNT, "wh", bucket="here")
    assert len(markers(workspace)) == 2
    assert workspace.records() == []


@pytest.mark.slow
@pytest.mark.parametrize("workspace", ["filesystem"], indirect=True)
def test_what_a_dead_run_left_before_there_was_a_buckets_yml_is_removed(workspace):
    FILES.close()
    yml = (workspace.root / "buckets.yml").read_text()
    (workspace.root / "buckets.yml").unlink()
    kill(start(workspace, DIE_AFTER_FILL_SCRIPT))
    assert workspace.staged()
    Path(workspace.root / "buckets.yml").write_text(yml)
    with begin(workspace) as run:
        assert (workspace.staged(), run.reporter.notices) == ([], [])
        run.model("m", COUNT, "wh")
    assert workspace.records() == []
