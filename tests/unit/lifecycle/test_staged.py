"""Datasets in buckets are items: whole, with their states and leases, and backed up unless told otherwise."""

import json
import os
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dvt.app.lifecycle import surroundings
from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.errors import BucketBusy, LifecycleInvalid, SeveralErrors
from dvt.core.ports.lifecycle import Surroundings
from dvt.core.retention import CleanupType, Reason, Result, RunStatus
from dvt.lifecycle.doctor import examine
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.store.records import EventFilter
from dvt.lifecycle.system import System
from dvt.staging.in_folder import InFolder
from dvt.staging.leases import Lease
from dvt.testing.memory_bucket import InMemoryBucket
from tests.local_bucket import local_bucket
from tests.unit.lifecycle.killing import killed_at, steps
from tests.unit.lifecycle.projects import DAY, Project

pytestmark = pytest.mark.slow

MANUAL = CleanupType.MANUAL


class Staged:
    """The project's folder in a bucket, whose objects have the ages that a test gives them."""

    name = "lake"

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self.bucket = InFolder(local_bucket(root) if root else InMemoryBucket(), "shop")
        self.failure: Exception | None = None
        self.put("_owner.json", 400, b'{"project": "shop"}')

    def open(self, *, new: bool = False) -> InFolder:
        if self.failure is not None:
            raise self.failure
        return self.bucket

    def put(self, key: str, age: float, content: bytes = b"x") -> None:
        when = datetime.now(UTC) - timedelta(days=age)
        if self.root is None:
            self.bucket._bucket._objects[f"shop/{key}"] = (content, when)
            return
        path = self.root / "shop" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (when.timestamp(), when.timestamp()))

    def dataset(self, path: str, age: float, *, committed: bool = True, state: str = "") -> None:
        self.put(f"{path}/part-0-0.parquet", age, path.encode() * 1000)
        if committed:
            self.put(f"{path}/_committed.json", age, b'{"files": ["part-0-0.parquet"]}')
        if state:
            self.put(f"_state/{state}/state.json", age, json.dumps({"dataset": path}).encode())

    def contents(self) -> dict[str, bytes]:
        keys = [key for key, _ in self.bucket.list("") if not key.startswith("_leases/")]
        return {key: self._content(key) for key in keys}

    def _content(self, key: str) -> bytes:
        with self.bucket.get(key) as content:
            return content.read()


@pytest.fixture(params=["filesystem", "memory"])
def staged(request, tmp_path):
    return Staged(tmp_path / "lake" if request.param == "filesystem" else None)


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "shop")
    project.settings("staging: {days: 30, min_keep: 0}", "extraction_state: {days: 30}")
    return project


@pytest.fixture
def system(project, staged):
    with opened(project, staged) as system:
        system.apply_policies("test")
        yield system


def opened(project, staged):
    return System(load_lifecycle(project.folder), surroundings=Surroundings(staged=lambda: [staged]))


def due(plan):
    return {of.item.key.partition("shop/")[2] for of in plan.items()}


def test_a_dataset_goes_and_comes_back_whole(system, staged):
    staged.dataset("run1/crm/aa", 50)
    staged.dataset("run2/crm/bb", 1)
    before = staged.contents()
    plan = system.plan()
    assert due(plan) == {"run1/crm/aa"}
    assert staged.contents() == before
    record = system.run(plan, MANUAL)
    assert record.status is RunStatus.COMPLETED
    assert staged.contents() == {key: of for key, of in before.items() if not key.startswith("run1/")}
    assert len([of for of in system.verify_backups() if of.location]) == 1
    (outcome,) = system.restore(Wanted(patterns=("*/run1/crm/aa",)))
    assert (outcome.result, outcome.detail) == (Result.RESTORED, "")
    assert staged.contents() == before
    (again,) = system.restore(Wanted(patterns=("*/run1/crm/aa",)))
    assert (again.result, again.detail) == (Result.RESTORED, "it is there already")
    staged.put("run1/crm/aa/part-0-0.parquet", 0, b"other")
    (other,) = system.restore(Wanted(patterns=("*/run1/crm/aa",)))
    assert (other.result, other.detail) == (Result.FAILED, "another dataset is in its place")
    kinds = [event.kind for event in system.store.records.events(EventFilter(run=record.id))]
    assert kinds == ["run_began", "planned", "outcome", "run_ended"]


def test_a_state_goes_with_its_dataset_and_the_newest_of_a_table_stays(system, staged):
    staged.dataset("run1/crm/aa", 90, state="crm/orders/old")
    staged.dataset("run2/crm/bb", 60, state="crm/orders/new")
    staged.dataset("run3/crm/cc", 80, state="crm/customers/only")
    before = staged.contents()
    plan = system.plan()
    assert due(plan) == {"run1/crm/aa"}
    system.run(plan, MANUAL)
    assert set(before) - set(staged.contents()) == {
        "run1/crm/aa/part-0-0.parquet",
        "run1/crm/aa/_committed.json",
        "_state/crm/orders/old/state.json",
    }
    assert {of.result for of in system.restore(Wanted(patterns=("*/aa",)))} == {Result.RESTORED}
    assert staged.contents() == before


def test_what_a_run_is_at_work_on_or_reads_stays(system, staged):
    for path in ("run1/crm/aa", "run2/crm/bb", "run3/crm/cc"):
        staged.dataset(path, 50)
    lease = Lease(staged.bucket, "run2")
    plan = system.plan()
    assert due(plan) == {"run1/crm/aa", "run3/crm/cc"}
    with lease:
        lease.uses("run1/crm/aa")  # since the plan
        record = system.run(plan, MANUAL)
        assert record.status is RunStatus.PARTIAL
        assert [key for key, _ in staged.bucket.list("run1")] != []
        assert [key for key, _ in staged.bucket.list("run3")] == []
    (told,) = (of for of in system.explain(lambda item: item.key.endswith("aa")))
    assert told.decision.is_due


def test_what_has_changed_since_the_plan_stays(system, staged):
    staged.dataset("run1/crm/aa", 50)
    staged.dataset("run2/crm/bb", 50)
    plan = system.plan()
    staged.put("run1/crm/aa/part-0-1.parquet", 50)
    staged.put("run2/crm/bb/part-0-0.parquet", 49, b"run2/crm/bb" * 1000)
    before = staged.contents()
    assert system.run(plan, MANUAL).status is RunStatus.PARTIAL
    assert staged.contents() == before


def test_what_is_dead_and_has_never_become_a_dataset_is_no_success(system, staged):
    staged.dataset("run1/crm/aa", 50, committed=False)
    (item,) = (of.item for of in system.explain(lambda item: item.key.endswith("aa")))
    assert item.status == "failed"
    assert due(system.plan()) == {"run1/crm/aa"}


def test_a_bucket_that_does_not_answer_is_told_and_nothing_else_is_kept_from_being_cleaned(
    project, system, staged
):
    staged.dataset("run1/crm/aa", 50)
    plan = system.plan()
    staged.failure = BucketBusy("lake", "memory:", "listing", "slow down")
    assert len([problem for problem in system.plan().head.problems if "slow down" in problem]) == 1
    record = system.run(plan, MANUAL)
    assert record.status is RunStatus.PARTIAL
    (told,) = (
        event.details["detail"]
        for event in system.store.records.events(EventFilter(run=record.id))
        if event.kind == "outcome"
    )
    assert "slow down" in told
    staged.failure = None
    assert "run1/crm/aa/_committed.json" in staged.contents()


def test_staging_needs_no_backup_if_the_settings_say_so(project, staged):
    project.settings("staging: {days: 30, min_keep: 0}", data="{staging: {backup: none}}")
    staged.dataset("run1/crm/aa", 50)
    staged.dataset("run1/crm/bb", 50, state="crm/orders/old")
    with opened(project, staged) as system:
        system.apply_policies("test")
        record = system.run(system.plan(), MANUAL)
        assert record.results == {"staging": {Result.DELETED: record.results["staging"][Result.DELETED]}}
        assert list(system.backups()) == []
        (told,) = (
            event.details["detail"]
            for event in system.store.records.events(EventFilter(run=record.id))
            if event.kind == "outcome"
        )
    assert told == "without a backup, since it can be made again"
    assert not [key for key in staged.contents() if key.startswith("run1/crm/aa")]
    assert [key for key in staged.contents() if key.startswith("run1/crm/bb")]


@pytest.mark.parametrize("data", ["{dbt_logs: {backup: none}}", "{mine: {in: [x], kind: staged}}"])
def test_only_what_can_be_made_again_needs_no_backup(project, data):
    project.settings("dbt_logs: {days: 1}", data=data)
    with pytest.raises((LifecycleInvalid, SeveralErrors), match="staging, extraction_state"):
        load_lifecycle(project.folder)


def test_buckets_are_not_looked_at_before_lifecycle_yml_names_them(project):
    project.settings("dbt_logs: {days: 7}")

    def must_not_be_asked():
        raise AssertionError

    with System(
        load_lifecycle(project.folder), surroundings=Surroundings(staged=must_not_be_asked)
    ) as system:
        system.plan()


def test_a_killed_run_loses_no_dataset(tmp_path):
    def scene(name):
        project = Project(tmp_path / name)
        project.settings("staging: {days: 30, min_keep: 0}")
        staged = Staged(tmp_path / name / "lake")
        for path in ("run1/crm/aa", "run2/crm/bb"):
            staged.dataset(path, 50)
        return project, staged

    def work(project, staged):
        with opened(project, staged) as system:
            system.apply_policies("test")
            system.run(system.plan(), MANUAL)

    counted = scene("counted")
    names = steps(lambda: work(*counted))
    begin = next(number for number, name in enumerate(names) if name.startswith("_append"))
    for number in range(begin + random.randrange(9), len(names), 9):
        project, staged = scene(str(number))
        before = staged.contents()
        killed_at(number, lambda project=project, staged=staged: work(project, staged))
        with opened(project, staged) as system:
            system.run(system.plan(), MANUAL)  # ends what was begun
            outcomes = list(system.restore(Wanted(patterns=("*",))))
        assert {of.result for of in outcomes} == {Result.RESTORED}
        assert {key: staged.contents().get(key) for key in before} == before


def test_what_is_explained_is_what_is_planned(system, staged):
    staged.dataset("run1/crm/aa", 50)
    staged.dataset("run2/crm/bb", 1)
    staged.dataset("run3/crm/cc", 90, state="crm/orders/old")
    explained = {of.item.key: of.decision for of in system.explain(lambda _item: True)}
    planned = {of.item.key: of.decision for of in system.plan().items()}
    assert {key: of for key, of in explained.items() if of.is_due} == planned
    assert {of.reason for of in explained.values()} == {Reason.OLD, Reason.YOUNG, Reason.MIN_KEEP}


def test_times_are_those_of_the_store(system, staged):
    staged.dataset("run1/crm/aa", 50)
    (of,) = system.explain(lambda _item: True)
    assert of.item.modified == pytest.approx((time.time() - 50 * DAY) * 1e9, abs=60e9)


def test_the_project_s_own_buckets_are_those_of_its_profile(tmp_path):
    project = Project(tmp_path / "shop")
    project.settings("staging: {days: 30, min_keep: 0}")
    (project.folder / "dbt_project.yml").write_text("name: shop\n")
    (project.folder / "profiles.yml").write_text("shop: {outputs: {}}\n")
    buckets = {
        "shop": {
            "target": "lake",
            "buckets": {"lake": {"type": "filesystem", "path": str(tmp_path / "lake")}},
        }
    }
    (project.folder / "buckets.yml").write_text(json.dumps(buckets))
    shared = Staged(tmp_path / "lake")
    shared.dataset("run1/crm/aa", 50)
    project.file(project.folder / ".dvt/staging/run1/crm/bb/_committed.json", 50, "{}")
    with System(load_lifecycle(project.folder), surroundings=surroundings(project.folder)) as system:
        system.apply_policies("test")
        plan = system.plan()
        assert {of.item.key.rpartition("/")[2] for of in plan.items()} == {"aa", "bb"}, plan.head.problems
        assert system.run(system.plan(), MANUAL).status is RunStatus.COMPLETED
        assert {of.result for of in system.restore(Wanted(patterns=("*",)))} == {Result.RESTORED}
        (check,) = [of for of in examine(lambda: opened(project, shared)) if of.name.startswith("staging")]
        assert check.is_right
    assert "run1/crm/aa/_committed.json" in shared.contents()
