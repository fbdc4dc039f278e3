"""What the files of a profile need: packages, and jars of Spark."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from dvt.app.sync import SyncRequest, sync
from dvt.app.sync_jars import _for_spark
from dvt.app.sync_packages import uses_of, uses_of_seeds
from dvt.environment.archives import archives_of, read_archive
from dvt.environment.installed import own_environment
from dvt.environment.lock import LockedJar, LockedPackage, read_lock, write_lock

CLUSTER = {"type": "spark", "master": "spark://h:7077"}
S3 = {"type": "s3", "bucket": "lake", "region": "eu-west-1"}
AWS = "org.apache.hadoop:hadoop-aws:{hadoop}"


@pytest.fixture
def files(tmp_path: Path):
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")

    def write(computes: dict, buckets: dict, outputs: dict | None = None) -> Path:
        outputs = outputs or {"a": {"type": "duckdb", "path": "a.duckdb"}}
        contents = {
            "profiles": {"target": "a", "outputs": outputs},
            "computes": {"computes": computes},
            "buckets": {"target": next(iter(buckets), None), "buckets": buckets} if buckets else {},
        }
        for name, content in contents.items():
            (tmp_path / f"{name}.yml").write_text(json.dumps({"shop": content}))
        return tmp_path

    return write


def spark_jars(folder: Path, hadoop: str | None = "3.4.2") -> list[str]:
    return [use.coordinates for use in _for_spark("shop", "", folder, hadoop)]


def test_a_cluster_needs_a_jar_for_each_type_of_bucket(files):
    buckets = {"lake": S3, "other": S3 | {"bucket": "other"}, "disk": {"type": "filesystem"}}
    assert spark_jars(files({"c": CLUSTER}, buckets)) == [AWS.format(hadoop="3.4.2")]


def test_on_this_machine_copies_do_and_a_server_has_its_own_jars(files):
    computes = {"here": {"type": "spark"}, "there": {"type": "spark", "remote": "sc://h:15002"}}
    assert spark_jars(files(computes, {"lake": S3})) == []


def test_jars_of_computes_are_needed_wherever_spark_is(files):
    assert spark_jars(files({"here": {"type": "spark", "jars": ["g:a:1"]}}, {})) == ["g:a:1"]


def test_without_pyspark_the_version_of_a_jar_is_an_error_that_says_so(files):
    (use,) = _for_spark("shop", "", files({"c": CLUSTER}, {"lake": S3}), None)
    assert "PySpark is not installed yet" in str(use.error)


def test_a_server_of_spark_connect_needs_its_client_alone(files):
    computes = {"there": {"type": "spark", "remote": "sc://h:15002"}}
    uses = uses_of("shop", "", files(computes, {}), Path(), own_environment())
    assert "dvt-engine[spark-connect]" in [use.requirement for use in uses]


def test_bigquery_needs_the_client_of_its_storage_api_where_an_output_asks_for_it(files):
    output = {"type": "bigquery", "method": "oauth", "dataset": "d"}
    folder = files({}, {}, {"a": output, "b": {**output, "reads": "storage_api"}})
    uses = list(uses_of("shop", "", folder, Path(), own_environment()))
    asked = [(use.what, use.requirement) for use in uses if "storage" in use.requirement]
    assert asked == [("output b (reads: storage_api)", "dvt-engine[bigquery-storage]")]


def test_seeds_that_pyarrow_reads_need_it(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("name: shop\nseed-paths: [data]\n")
    (tmp_path / "data" / "more").mkdir(parents=True)
    for name in ("plain.csv", "packed.csv.gz", "more/a.orc", "more/B.CSV.ZST"):
        (tmp_path / "data" / name).touch()
    uses = list(uses_of_seeds(tmp_path))
    assert [use.what for use in uses] == ["seed data/more/B.CSV.ZST", "seed data/more/a.orc"]
    assert {use.requirement for use in uses} == {"dvt-engine[seeds]"}


def test_what_is_left_out_stays_in_the_lock(files, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    outputs = {
        "a": {"type": "duckdb", "path": "a"},
        "erp": {"type": "jdbc", "url": "jdbc:x:y", "maven": "g:d:1"},
    }
    folder = files({"c": {"type": "duckdb"}}, {}, outputs)
    lock = read_lock(tmp_path / "sync.lock")
    jar = LockedJar("g:d:1", "d-1.jar", f"sha256:{'0' * 64}")
    write_lock(tmp_path / "sync.lock", type(lock)(jars=(jar,)))
    report = sync(SyncRequest(project_dir=folder, profiles_dir=folder, jdbc=False))
    assert not [item for item in report.items if item.package == "g:d:1"]
    assert read_lock(tmp_path / "sync.lock").jars == (jar,)


def test_no_native_leaves_out_the_jars_of_spark(files, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = files({"c": CLUSTER}, {"lake": S3})
    asked = {"project_dir": folder, "profiles_dir": folder, "dry_run": True}
    for native, wanted in ((True, ["WOULD INSTALL"]), (False, [])):
        report = sync(SyncRequest(**asked, native=native))
        outcomes = [str(item.outcome) for item in report.items if "hadoop-aws" in item.package]
        assert outcomes == wanted


@pytest.mark.parametrize(
    ("project", "requires"),
    [(None, ("setuptools>=40.8.0",)), ('[build-system]\nrequires = ["flit_core"]\n', ("flit_core",))],
)
def test_a_source_package_says_what_builds_it(tmp_path, project, requires):
    with tarfile.open(tmp_path / "a_b-1.0.tar.gz", "w:gz") as archive:
        contents = {"a_b-1.0/deps/jars/hadoop-client-api-3.5.0.jar": "", "a_b-1.0/deps/pyproject.toml": "x"}
        contents |= {"a_b-1.0/pyproject.toml": project} if project else {}
        for name, text in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    (file,) = archives_of([LockedPackage("a-b", "1.0", ()), LockedPackage("c", "2", ())], tmp_path)
    said = read_archive(file)
    assert said.requires == requires
    assert "hadoop-client-api-3.5.0.jar" in said.files


def test_an_output_without_a_type_leaves_the_others(files, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = files({"c": {"type": "duckdb"}}, {}, {"a": {"type": "duckdb", "path": "a"}, "b": {"path": "b"}})
    report = sync(SyncRequest(project_dir=folder, profiles_dir=folder, dry_run=True))
    assert [str(item.outcome) for item in report.items] == ["OK", "FAILED"]
    assert "output b" in report.items[1].line
