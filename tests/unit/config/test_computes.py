"""computes.yml: where it is looked for, which keys it may have, and errors that name their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvt.config.computes import EMBEDDED, load_computes
from dvt.core.errors import ComputesInvalid, UnknownCompute
from dvt.engines.duckdb import DuckDBEngine, DuckDBSettings
from dvt.engines.spark import SparkEngine, SparkSettings

GOOD = """\
shop:
  target: local
  computes:
    local:
      type: duckdb
      memory_limit: 8GB
      threads: "{{ env_var('DVT_TEST_THREADS', '3') }}"
      temp_directory: ${DVT_TEST_SPILL}
    cluster: {type: spark, master: 'local[2]', config: {spark.driver.memory: 4g}}
other:
  computes:
    alone: {type: duckdb}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setenv("DVT_TEST_SPILL", "spill")

    def write(text, folder="profiles"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "computes.yml").write_text(text)
        return load_computes("shop", tmp_path / "profiles", home=tmp_path)

    return write


def test_a_profile_gets_its_own_computes_and_the_embedded_one(write, tmp_path):
    computes = write(GOOD)
    assert set(computes.entries) == {"local", "cluster", "duckdb"}
    local = computes.get(None)
    assert (local.name, local.engine) == ("local", DuckDBEngine)
    assert local.settings == DuckDBSettings(
        memory_limit="8GB", threads=3, temp_directory=str(tmp_path / "profiles" / "spill")
    )
    cluster = computes.get("cluster")
    assert cluster.engine is SparkEngine
    assert cluster.settings == SparkSettings(master="local[2]", config={"spark.driver.memory": "4g"})


def test_without_a_file_the_embedded_compute_is_there(tmp_path):
    compute = load_computes("shop", tmp_path, home=tmp_path).get(None)
    assert (compute.name, compute.engine, compute.settings) == (EMBEDDED, DuckDBEngine, DuckDBSettings())


def test_a_profile_without_a_section_has_the_embedded_compute(write):
    assert write("other: {computes: {a: {type: duckdb}}}").engine == "duckdb"


def test_the_only_compute_is_the_one_in_use(write):
    assert write("shop: {computes: {a: {type: duckdb}}}").engine == "a"


def test_the_home_file_counts_only_when_none_lies_beside_the_profile(write):
    at_home = "shop: {computes: {home: {type: duckdb}}}"
    assert write(at_home, folder=".dvt").engine == "home"
    assert write(GOOD).default == "local"


@pytest.mark.parametrize("word", ["auto", "target", "source"])
def test_a_place_can_be_the_default_and_no_entry(write, word):
    computes = write(f"shop: {{target: {word}, computes: {{a: {{type: duckdb}}}}}}")
    assert (computes.default, computes.engine, computes.get(None).name) == (word, "a", "a")
    with pytest.raises(ComputesInvalid, match=f"computes.{word}: {word} names a place") as caught:
        write(f"shop:\n  computes:\n    {word}: {{type: duckdb}}")
    assert caught.value.line == 3


def test_without_a_default_dvt_chooses_the_place(write):
    assert write("shop: {computes: {a: {type: duckdb}, b: {type: duckdb}}}").default == "auto"
    assert write("shop: {target: b, computes: {a: {type: duckdb}, b: {type: duckdb}}}").engine == "b"


def test_an_unknown_compute_names_the_nearest(write):
    with pytest.raises(UnknownCompute, match="did you mean 'local'"):
        write(GOOD).get("locl")


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("8GB", "lots", 6, "memory_limit: should be a size"),
        ("threads:", "thread:", 7, "thread: no such key"),
        ("'3'", "'0'", 7, "greater than or equal to 1"),
        ("'3'", "'three'", 7, "valid integer"),
        (", '3'", "", 7, "environment variable DVT_TEST_THREADS is not set"),
        ("${DVT_TEST_SPILL}", "${DVT_TEST_NONE}", 8, "environment variable DVT_TEST_NONE is not set"),
        ("type: duckdb\n", "type: duck\n", 4, "its type should be duckdb or spark"),
        ("type: duckdb\n", "type: [duckdb]\n", 4, "its type should be duckdb or spark"),
        ("      type: duckdb\n", "", 4, "its type should be duckdb or spark"),
        ("8GB", "[8GB]", 6, "local.memory_limit"),
        ("'local[2]'", "host:7077", 9, "cluster.master: should be local"),
        ("'local[2]'", "'spark://user:pass@host:7077'", 9, "cluster.master: should be local"),
        ("master: 'local[2]'", "remote: 'sc://host'", 9, "cluster.remote: should be sc://host:15002"),
        ("master: 'local[2]'", "remote: 'sc://h:1/;token=x'", 9, "a token is a key of its own"),
        ("master: 'local[2]'", "token: x", 9, "token belongs to a server"),
        ("master: 'local[2]'", "remote: 'sc://h:1'", 9, "spark.driver.memory is the server's own"),
        ("master: 'local[2]'", "remote: 'sc://h:1', jars: ['a:b:1']", 9, "master, jars and wait_for_workers"),
        ("config:", "jars: [nowhere.jar], config:", 9, "nowhere.jar is no file"),
        ("spark.driver.memory", "spark.driver.host", 9, "driver.host is set by dvt"),
        ("master:", "maser:", 9, "cluster.maser: no such key"),
        ("spark.driver.memory", "driver.memory", 9, "driver.memory is no setting of Spark"),
        ("spark.driver.memory: 4g", "spark.sql.ansi.enabled: false", 9, "ansi.enabled is set by dvt"),
        ("alone: {type: duckdb}", "alone: {type: duckdb, x: 1}", 12, "other.computes.alone.x: no such key"),
        ("cluster:", "local:", 9, "'local' stands here twice"),
        ("target: local", "target: remote", 2, "'remote' of profile 'shop' is none of its computes"),
        ("computes:\n    local", "compute:\n    local", 3, "shop.compute: no such key"),
        ("alone:", "alone: [", 13, "expected"),
        ("other:", "1:", 10, "is no name"),
        ("alone: {type: duckdb}", "alone: &a {type: duckdb, x: *a}", 12, "nested too deeply"),
    ],
)
def test_an_error_in_computes_yml_names_its_line(write, old, new, line, problem):
    assert old in GOOD
    with pytest.raises(ComputesInvalid, match=problem) as caught:
        write(GOOD.replace(old, new, 1))
    assert caught.value.line == line
    assert Path(caught.value.path).name == "computes.yml"


def test_a_wrong_value_is_not_shown(write):
    with pytest.raises(ComputesInvalid) as caught:
        write("shop: {computes: {a: {type: duckdb, memory_limit: s3cret}}}")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ["- 1", "shop", "shop: 3", "\x00", "shop: {computes: [a]}"])
def test_a_file_that_holds_no_sections_is_refused(write, text):
    with pytest.raises(ComputesInvalid):
        write(text)


def test_an_empty_file_counts_as_no_file(write):
    assert write("").engine == "duckdb"
