"""`dvt debug` shows what dbt's does, then tests the buckets and computes of the profile."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from dbt.adapters.events.types import AdapterEventError
from dbt.task.debug import DebugTask
from dbt_common.events.functions import fire_event

from dvt import dvtRunner
from tests.dbt_bridge.federated.project import Project

pytestmark = pytest.mark.slow


def debug(shop: Project, *args: str) -> Any:
    events: list[Any] = []
    folders = ["--project-dir", str(shop.root), "--profiles-dir", str(shop.root)]
    result = dvtRunner(callbacks=[events.append]).invoke(["debug", *folders, *args])
    shop.events = [event.info.msg for event in events if event.info.level in ("info", "warn", "error")]
    return result


def buckets(shop: Project, **entries: Any) -> None:
    shop.write("buckets.yml", {"shop": {"target": next(iter(entries)), "buckets": entries}})


def found(shop: Project, capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    capsys.readouterr()
    debug(shop, "--json", *args)
    return json.loads(capsys.readouterr().out)


def test_without_a_buckets_yml_dbts_tests_are_followed_by_a_few_lines(shop: Project) -> None:
    assert debug(shop).success
    begin = shop.events.index("Buckets and computes:")
    assert any("All checks passed!" in event for event in shop.events[:begin])
    assert shop.events[begin + 1 :] == [
        "  buckets.yml [SKIP]: there is none, so data is staged in .dvt/staging",
        "  computes.yml [SKIP]: there is none: auto, computed by duckdb (duckdb)",
        "  federation [READY]",
    ]
    assert not (shop.root / ".dvt" / "staging").exists()


def test_json_is_alone_on_the_standard_output_whatever_adapters_say(
    shop: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As dbt-bigquery does where it cannot connect, and as some adapters print."""

    def test_loudly(self: DebugTask) -> bool:
        fire_event(AdapterEventError(name="BigQuery", base_msg="Access Denied"))
        sys.stdout.write("trying again\n")
        return False

    monkeypatch.setattr(DebugTask, "run", test_loudly)
    capsys.readouterr()
    assert not debug(shop, "--json").success
    told = capsys.readouterr()
    assert json.loads(told.out)["dbt"] == {"ok": False}
    assert "Access Denied" in told.err
    assert "trying again" in told.err


def test_what_is_staged_without_a_buckets_yml_is_counted(
    shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    staged = shop.root / ".dvt" / "staging"
    run = "20260301x7k2q9d0ab"
    shop.write(f".dvt/staging/{run}/crm/aa11/_committed.json", "12345")
    shop.write(f".dvt/staging/{run}/crm/bb22/part-0-0.parquet", "678")
    shop.write(f".dvt/staging/{run}/crm/bb22/.part-0-1.parquet.0123abcd.new", "9")
    files = sorted(path for path in staged.rglob("*") if path.is_file())
    diagnosis = found(shop, capsys)
    assert not diagnosis["buckets_yml_exists"]
    assert diagnosis["federation"] == {"ready": True, "missing": []}
    (local,) = diagnosis["buckets_configured"]
    assert (local["name"], local["type"], local["default"]) == ("local", "filesystem", True)
    counted = local["staged"]
    expected = {"objects": 2, "bytes": 8, "datasets": 2, "uncommitted": 1, "uploads": 1, "orphans": 1}
    assert counted | expected | {"orphan_bytes": 1} == counted
    assert counted["oldest"] <= counted["newest"]
    assert all(check["seconds"] >= 0 for check in local["checks"] if check["check"] in ("list", "put", "get"))
    assert sorted(path for path in staged.rglob("*") if path.is_file()) == files


def test_the_projects_own_folder_is_tested_beside_other_buckets_if_it_is_used(
    shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    buckets(shop, lake={"type": "filesystem", "path": str(shop.root / "lake")})
    assert [bucket["name"] for bucket in found(shop, capsys)["buckets_configured"]] == ["lake"]
    shop.write(".dvt/staging/run1/crm/aa11/_committed.json", "12345")
    lake, local = found(shop, capsys)["buckets_configured"]
    assert (lake["default"], local["default"]) == (True, False)
    assert local["staged"]["datasets"] == 1


def test_buckets_are_tested_counted_and_left_as_they_were(
    shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = shop.root / "lake"
    buckets(
        shop,
        lake={"type": "filesystem", "path": str(lake)},
        own={"type": "filesystem"},
        far={"type": "s3", "bucket": "${DVT_TEST_NEVER_SET}", "region": "eu-west-1"},
    )
    shop.write("computes.yml", {"shop": {"target": "big", "computes": {"big": {"type": "duckdb"}}}})
    shop.write("lake/shop/_owner.json", '{"project": "shop"}')
    shop.write("lake/shop/r1/crm/aa11/_committed.json", "12345")
    diagnosis = found(shop, capsys)
    assert diagnosis["dbt"] == {"ok": True}
    assert diagnosis["buckets_yml_exists"]
    assert diagnosis["buckets_yml"] == str(shop.root / "buckets.yml")
    assert diagnosis["compute"] == "big"
    assert diagnosis["federation"] == {"ready": True, "missing": []}
    assert diagnosis["native_connectors_available"] == ["redshift", "snowflake"]
    first, own, far = diagnosis["buckets_configured"]
    assert (first["name"], first["type"], first["bucket"], first["status"]) == (
        "lake", "filesystem", str(lake), "OK",
    )  # fmt: skip
    assert first["staged"]["datasets"] == 1
    assert first["staged"]["bytes"] == 5
    assert own["status"] == "OK"
    assert far["status"] == "SKIP"
    assert "DVT_TEST_NEVER_SET" in far["checks"][0]["detail"]
    files = sorted(path.relative_to(lake).as_posix() for path in lake.rglob("*") if path.is_file())
    assert files == ["shop/_owner.json", "shop/r1/crm/aa11/_committed.json"]


def test_a_folder_of_another_project_fails_and_nothing_is_put_there(
    shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    buckets(shop, lake={"type": "filesystem", "path": str(shop.root / "lake")})
    shop.write("lake/shop/_owner.json", '{"project": "other"}')
    assert not debug(shop).success
    diagnosis = found(shop, capsys)
    assert diagnosis["federation"] == {"ready": False, "missing": ["bucket lake"]}
    (check,) = diagnosis["buckets_configured"][0]["checks"]
    assert check["status"] == "FAIL"
    assert "belongs to project 'other'" in check["detail"]
    assert [path.name for path in (shop.root / "lake" / "shop").iterdir()] == ["_owner.json"]


def test_files_that_are_wrong_are_told_both(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    shop.write("buckets.yml", "shop: {buckets: {a: {type: nothing}}}")
    shop.write("computes.yml", "shop: {target: nowhere}")
    diagnosis = found(shop, capsys)
    assert [check["status"] for check in diagnosis["files"]] == ["FAIL", "FAIL"]
    assert diagnosis["federation"]["missing"] == ["buckets.yml", "computes.yml"]
    assert not debug(shop).success


@pytest.mark.parametrize("flag", ["--connection"])
def test_a_part_of_dbts_tests_is_only_that(shop: Project, flag: str) -> None:
    buckets(shop, lake={"type": "filesystem", "path": str(shop.root / "lake")})
    assert debug(shop, flag).success
    assert "Buckets and computes:" not in shop.events
    assert not (shop.root / "lake").exists()
