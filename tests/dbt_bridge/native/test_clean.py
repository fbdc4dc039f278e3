"""`dvt clean` does what dbt's does, then cleans the project's folder in each bucket of the profile."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest
import yaml

from dvt import dvtRunner
from dvt.core.errors import BucketUnreachable, DurationInvalid, FolderIsLink, FolderNotOwned, UnknownBucket
from tests.dbt_bridge.federated.project import Project

pytestmark = pytest.mark.slow

KEYS = ("part-0-0.parquet", "_committed.json")
OLD = 30 * 3600.0


@pytest.fixture
def staged(shop: Project) -> Project:
    """Return a project that has staged in three buckets, and has built something."""
    root = shop.root.as_posix()
    keys = {
        "target": "lake",
        "buckets": {
            "lake": {"type": "filesystem", "path": f"{root}/buckets/lake"},
            "disk": {"type": "filesystem", "path": f"{root}/buckets/disk", "prefix": "{profile}"},
            "far": {"type": "filesystem", "path": "${DVT_TEST_NEVER_SET}/x"},
        },
    }
    other = {"buckets": {"theirs": {"type": "filesystem", "path": f"{root}/buckets/theirs"}}}
    shop.write("buckets.yml", {"shop": keys, "other": other})
    for folder in ("buckets/lake/shop", "buckets/disk/shop/shop", "buckets/theirs/shop"):
        shop.write(f"{folder}/_owner.json", json.dumps({"project": "shop"}))
        stage(shop, folder)
    stage(shop, ".dvt/staging")
    shop.write("target/x", "")
    return shop


def stage(shop: Project, folder: str) -> None:
    for key in KEYS:
        shop.write(f"{folder}/r1/crm/aa11/{key}", "x")


def left(shop: Project) -> set[str]:
    """Return the buckets that still have something staged, and `target` if that is there."""
    names = {file.relative_to(shop.root).as_posix() for file in shop.root.rglob(KEYS[0])}
    buckets = {name.split("/")[1] for name in names}
    return buckets | ({"target"} if (shop.root / "target" / "x").exists() else set())


def clean(shop: Project, *args: str) -> Any:
    events: list[Any] = []
    folders = ["--project-dir", str(shop.root), "--profiles-dir", str(shop.root)]
    result = dvtRunner(callbacks=[events.append]).invoke(["clean", *folders, *args])
    shop.events = [event.info.msg for event in events if event.info.level in ("info", "warn", "error")]
    return result


def error_of(result: Any) -> Any:
    return getattr(result.exception, "error", result.exception)


ALL = {"lake", "disk", "theirs", "staging", "target"}


@pytest.mark.parametrize(
    ("args", "stays"),
    [
        ((), {"theirs"}),
        (("--all-profiles",), set()),
        (("--bucket", "disk"), ALL - {"disk"}),
        (("--bucket", "local"), ALL - {"staging"}),
        (("--bucket", "theirs", "--all-profiles"), ALL - {"theirs"}),
        (("--older-than", "0h"), {"theirs", "target"}),
        (("--older-than", "1H"), ALL),
        (("--older-than", "1d", "--bucket", "lake"), ALL),
        (("--dry-run",), ALL),
        (("--dry-run", "--all-profiles", "--older-than", "0h"), ALL),
    ],
)
def test_what_is_asked_for_is_cleaned_and_nothing_else(
    staged: Project, args: tuple[str, ...], stays: set[str]
) -> None:
    result = clean(staged, *args)
    assert result.success, result.exception
    assert left(staged) == stays
    assert len(list(staged.root.rglob("_owner.json"))) == 3


def test_it_says_what_was_cleaned_and_what_was_not(staged: Project) -> None:
    staged.write("buckets/lake/shop/notes.txt", "")
    clean(staged)
    assert "Cleaned staging bucket: lake (1 dataset, 2 objects, 2 B)" in staged.events
    assert "Cleaned staging bucket: local (1 dataset, 2 objects, 2 B)" in staged.events
    assert "  not dvt's, so it stays: notes.txt" in staged.events
    (skipped,) = [event for event in staged.events if event.startswith("Skipped staging bucket: far")]
    assert "DVT_TEST_NEVER_SET" in skipped


def test_what_is_old_goes(staged: Project) -> None:
    when = time.time() - OLD
    for key in KEYS:
        os.utime(staged.root / "buckets/lake/shop/r1/crm/aa11" / key, (when, when))
    assert clean(staged, "--older-than", "1d").success
    assert left(staged) == ALL - {"lake"}
    assert [event for event in staged.events if event.endswith("its newest object is 0 min old")]


def test_dry_run_and_run_print_the_same_object(staged: Project, capsys: pytest.CaptureFixture[str]) -> None:
    objects = []
    for args in (["--dry-run"], []):
        capsys.readouterr()
        assert clean(staged, "--json", *args).success
        objects.append(json.loads(capsys.readouterr().out)["buckets"])
    for bucket in (*objects[0], *objects[1]):
        bucket.pop("dry_run")
    assert objects[0] == objects[1]
    lake = next(bucket for bucket in objects[0] if bucket["bucket"] == "lake")
    assert lake["deleted"] == {"datasets": 1, "unfinished_uploads": 0, "objects": 2, "bytes": 2}
    assert [bucket["bucket"] for bucket in objects[0] if bucket["skipped"]] == ["far"]


def test_a_wrong_request_deletes_nothing(staged: Project) -> None:
    assert isinstance(error_of(clean(staged, "--older-than", "7 days")), DurationInvalid)
    assert isinstance(error_of(clean(staged, "--bucket", "lakes")), UnknownBucket)
    staged.write("buckets.yml", "shop: {buckets: {a: {type: nothing}, b: {type: s3}}}")
    assert "DVT109" in str(clean(staged).exception)
    assert left(staged) == ALL


def test_a_bucket_that_fails_does_not_stop_the_others(
    staged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    buckets = yaml.safe_load((staged.root / "buckets.yml").read_text())
    gone = {"type": "s3", "bucket": "b", "region": "r", "endpoint": "http://127.0.0.1:1", "timeout": 1}
    gone |= {"access_key_id": "AAAA", "secret_access_key": "${DVT_TEST_SECRET}"}
    monkeypatch.setenv("DVT_TEST_SECRET", "not so secret")
    buckets["shop"]["buckets"] = {"gone": gone, **buckets["shop"]["buckets"]}
    staged.write("buckets.yml", buckets)
    result = clean(staged)
    assert not result.success
    assert result.exception is None
    assert left(staged) == {"theirs"}
    (error,) = [report.error for report in result.result if report.bucket == "gone"]
    assert isinstance(error, BucketUnreachable)
    assert [event for event in staged.events if "Staging bucket gone was not cleaned: DVT161" in event]


def test_a_folder_of_another_project_is_left_alone(staged: Project) -> None:
    staged.write("buckets/lake/shop/_owner.json", json.dumps({"project": "shop2"}))
    (staged.root / "buckets/disk/shop/shop/_owner.json").unlink()
    result = clean(staged)
    assert not result.success
    assert left(staged) == {"lake", "disk", "theirs"}
    assert [type(report.error) for report in result.result if report.error and not report.skipped] == [
        FolderNotOwned
    ] * 2


@pytest.mark.parametrize("link", [".dvt/staging", "buckets/lake", "buckets/lake/shop", "buckets/disk/shop"])
def test_a_folder_that_is_a_link_is_left_alone(staged: Project, link: str) -> None:
    path = staged.root / link
    real = staged.root / "elsewhere"
    path.rename(real)
    path.symlink_to(real)
    result = clean(staged)
    if link == "buckets/lake":  # buckets.yml itself may name no link
        assert "DVT114" in str(result.exception)
    else:
        assert [type(report.error) for report in result.result if report.error and not report.skipped] == [
            FolderIsLink
        ]
    assert list(real.rglob(KEYS[0]))


def test_a_project_without_buckets_is_cleaned_as_by_dbt(shop: Project) -> None:
    shop.write("target/x", "")
    assert clean(shop).result == []
    assert [event for event in shop.events if "Running with" not in event] == [
        f"Checking {shop.root}/target/*",
        f"Cleaned {shop.root}/target/*",
        "Finished cleaning all paths.",
    ]
    assert not (shop.root / ".dvt" / "staging").exists()
