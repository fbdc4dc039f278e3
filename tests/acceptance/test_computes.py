"""Which engine a federated model runs on, and what its settings do."""

from __future__ import annotations

import pytest

from dvt.core.errors import ComputesInvalid, EngineMissing, OutOfMemory, StagingUnusable, UnknownCompute
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import Place

COMPUTES = """\
shop:
  target: small
  computes:
    small: {{type: duckdb, memory_limit: 100MB, threads: 1, temp_directory: {spill}}}
    large: {{type: duckdb, memory_limit: 1GB}}
    cluster: {{type: spark, master: yarn}}
"""
COUNT = "SELECT count(*) AS n FROM {crm.facts}"


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path / "project")
    place.root.mkdir()
    place.duckdb("crm", "CREATE TABLE facts AS SELECT i AS v FROM range(1000) t(i)")
    place.duckdb("wh")
    (place.root / "computes.yml").write_text(COMPUTES.format(spill=tmp_path / "fast"))
    yield place
    FILES.close()


def settings(run, name):
    cursor = run.federator._resources.engines.named(name)._instance.cursor()
    names = ("memory_limit", "threads", "temp_directory", "TimeZone")
    return [cursor.execute(f"SELECT current_setting('{one}')").fetchone()[0] for one in names]


def test_the_profiles_compute_is_used_with_its_settings(place, tmp_path):
    with place.run() as run:
        run.model("m", COUNT, "wh")
        spill = str(tmp_path / "fast" / f"dvt-{run.federator.run}" / "small")
        assert settings(run, None) == ["95.3 MiB", 1, spill, "UTC"]
    assert list((tmp_path / "fast").glob("*")) == []


def test_a_model_may_name_another_and_the_command_line_has_the_last_word(place):
    with place.run() as run:
        run.model("m", COUNT, "wh", compute="large")
        assert settings(run, "large")[0] == "953.6 MiB"
        assert settings(run, None)[0] == "95.3 MiB"
    with place.run(compute="large") as run:
        run.model("m", COUNT, "wh", compute="small")
        assert settings(run, "small")[0] == "953.6 MiB"


@pytest.mark.slow
def test_what_the_engine_spills_lies_in_the_runs_folder_and_goes_with_it(place, tmp_path):
    rows = "SELECT hash(i) AS h, repeat('y', 60) AS t FROM {crm.facts} f, range(2000) r(i)"
    sort = f"{rows} ORDER BY h LIMIT 1500000"
    seen = []
    with place.run() as run:
        run.model("m", sort, "wh")
        seen = list((tmp_path / "fast").glob("dvt-*"))
        assert run.rows("wh", "m")
    assert seen
    assert list((tmp_path / "fast").glob("*")) == []


def test_an_engine_that_runs_out_of_memory_says_so_and_the_next_model_runs(place):
    with place.run() as run:
        with pytest.raises(OutOfMemory, match=r"DVT150 m \(models/m.sql\): .*memory_limit"):
            run.model(
                "m",
                "SELECT string_agg(i || repeat('x', 300), ',') AS t FROM {crm.facts}, range(2000) r(i)",
                "wh",
            )
        assert not [file for file in place.staged() if "_results" in file]
        run.model("small", COUNT, "wh")
        assert run.rows("wh", "small") == [(1000,)]


def test_a_compute_that_cannot_run_here_is_one_clear_error(place):
    with place.run() as run:
        with pytest.raises(
            EngineMissing, match="'cluster' is of type spark, which this version of dvt cannot run"
        ):
            run.model("m", COUNT, "wh", compute="cluster")
        with pytest.raises(UnknownCompute, match="did you mean 'large'"):
            run.model("m", COUNT, "wh", compute="larg")
        assert run.seen.extracted() == []


def test_a_default_that_cannot_run_here_says_so_when_a_model_needs_it(place):
    (place.root / "computes.yml").write_text("shop: {computes: {cluster: {type: spark}}}")
    with place.run() as run:
        with pytest.raises(EngineMissing, match=r"DVT153 m \(models/m.sql\): compute 'cluster'"):
            run.model("m", COUNT, "wh")
        run.model("m", COUNT, "wh", compute="duckdb")
        assert run.rows("wh", "m") == [(1000,)]


def test_a_spill_folder_that_cannot_be_made_stops_before_anything_is_made(place):
    (place.root / "computes.yml").write_text(COMPUTES.format(spill="/proc/nowhere"))
    with pytest.raises(StagingUnusable, match="/proc/nowhere"):
        place.run()
    assert place.records() == []
    assert not (place.root / ".dvt" / "staging").exists()


def test_a_broken_file_stops_before_anything_is_made(place):
    (place.root / "computes.yml").write_text("shop: [")
    with pytest.raises(ComputesInvalid):
        place.run()
    assert place.records() == []
