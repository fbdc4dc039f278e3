"""The engine that a federated model runs on, and the effect of its settings."""

from __future__ import annotations

import threading

import pytest

from dvt.core.errors import ComputesInvalid, OutOfMemory, StagingUnusable, TranslationWrong, UnknownCompute
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import Workspace

pytestmark = pytest.mark.slow

COMPUTES = """\
shop:
  target: small
  computes:
    small: {{type: duckdb, memory_limit: 100MB, threads: 1, temp_directory: {spill}}}
    large: {{type: duckdb, memory_limit: 1GB}}
"""
COUNT = "SELECT count(*) AS n FROM {crm.facts}"
LISTED = "SELECT list_sum([n, 1]) AS n FROM (SELECT count(*) AS n FROM {crm.facts})"


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "project")
    workspace.root.mkdir()
    workspace.duckdb("crm", "CREATE TABLE facts AS SELECT i AS v FROM range(1000) t(i)")
    workspace.duckdb("wh")
    (workspace.root / "computes.yml").write_text(COMPUTES.format(spill=tmp_path / "fast"))
    yield workspace
    FILES.close()


def settings(run, compute):
    cursor = run.federator._resources.engines.named(compute)._instance.cursor()
    names = ("memory_limit", "threads", "temp_directory", "TimeZone")
    return [cursor.execute(f"SELECT current_setting('{name}')").fetchone()[0] for name in names]


def test_the_profiles_compute_is_used_with_its_settings(workspace, tmp_path):
    with workspace.run() as run:
        run.model("m", COUNT, "wh")
        spill = str(tmp_path / "fast" / f"dvt-{run.federator.run}" / "small")
        assert settings(run, None) == ["95.3 MiB", 1, spill, "UTC"]
    assert list((tmp_path / "fast").glob("*")) == []


def test_a_models_compute_overrides_the_profiles_and_the_command_lines_overrides_both(workspace):
    with workspace.run() as run:
        run.model("m", COUNT, "wh", compute="large")
        assert settings(run, "large")[0] == "953.6 MiB"
        assert settings(run, None)[0] == "95.3 MiB"
    with workspace.run(compute="large") as run:
        run.model("m", COUNT, "wh", compute="small")
        assert settings(run, "small")[0] == "953.6 MiB"


def test_the_engine_spills_into_the_runs_folder_which_is_removed_with_it(workspace, tmp_path):
    rows = "SELECT hash(i) AS h, repeat('y', 60) AS t FROM {crm.facts} f, range(2000) r(i)"
    sort = f"{rows} ORDER BY h LIMIT 1500000"
    spilled = set()
    finished = threading.Event()
    with workspace.run() as run:
        folder = tmp_path / "fast" / f"dvt-{run.federator.run}" / "small"

        def watch():
            while not finished.wait(0.002):
                spilled.update(path.name for path in folder.glob("*"))

        watcher = threading.Thread(target=watch)
        watcher.start()
        run.model("m", sort, "wh")
        finished.set()
        watcher.join()
        assert run.rows("wh", "m")
    assert spilled
    assert list((tmp_path / "fast").glob("*")) == []


def test_running_out_of_memory_is_one_clear_error_and_the_next_model_runs(workspace):
    with workspace.run() as run:
        with pytest.raises(OutOfMemory, match=r"DVT150 m \(models/m.sql\): .*memory_limit"):
            run.model(
                "m",
                "SELECT string_agg(i || repeat('x', 300), ',') AS t FROM {crm.facts}, range(2000) r(i)",
                "wh",
            )
        assert not [file for file in workspace.staged() if "_results" in file]
        run.model("small", COUNT, "wh")
        assert run.rows("wh", "small") == [(1000,)]


def test_an_unknown_compute_is_one_clear_error(workspace):
    with workspace.run() as run:
        with pytest.raises(UnknownCompute, match="did you mean 'large'"):
            run.model("m", COUNT, "wh", compute="larg")
        assert run.reporter.extracted() == []


def test_a_default_compute_that_cannot_run_fails_the_model_that_needs_it(workspace):
    """Spark computes what is proven of another dialect, and is not even started for the rest."""
    (workspace.root / "computes.yml").write_text("shop: {computes: {cluster: {type: spark}}}")
    with workspace.run() as run:
        with pytest.raises(TranslationWrong, match="Spark has lists, structs and lambdas of its own"):
            run.model("m", LISTED, "wh", compute="cluster")
        run.model("m", COUNT, "wh", compute="duckdb")
        assert run.rows("wh", "m") == [(1000,)]


def test_a_spill_folder_that_cannot_be_made_stops_the_run_before_staging(workspace):
    (workspace.root / "computes.yml").write_text(COMPUTES.format(spill="/proc/nowhere"))
    with pytest.raises(StagingUnusable, match="/proc/nowhere"):
        workspace.run()
    assert workspace.records() == []
    assert not (workspace.root / ".dvt" / "staging").exists()


def test_a_broken_computes_file_stops_the_run_before_its_record(workspace):
    (workspace.root / "computes.yml").write_text("shop: [")
    with pytest.raises(ComputesInvalid):
        workspace.run()
    assert workspace.records() == []
