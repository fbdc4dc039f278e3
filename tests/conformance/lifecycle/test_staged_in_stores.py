"""Datasets in real stores go and come back by policies: in S3, Google Cloud, Azure and HDFS."""

from __future__ import annotations

import pytest
import yaml

from dvt.app.buckets import open_bucket
from dvt.app.lifecycle import surroundings
from dvt.config.buckets import load_buckets
from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.retention import CleanupType, Result, RunStatus
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.system import System
from dvt.staging.in_folder import InFolder
from dvt.staging.leases import Lease
from tests.stores.objects import put, read
from tests.unit.lifecycle.projects import Project

pytestmark = pytest.mark.slow

SERVERS = {"s3": "minio", "gcs": "fake_gcs", "azure": "azurite", "hdfs": "hdfs"}


@pytest.fixture(params=sorted(SERVERS))
def project(request, tmp_path, stores):
    """A project whose profile stages in a new bucket of a real store; whatever is there is due at once."""
    server = stores(SERVERS[request.param])
    project = Project(tmp_path / "shop")
    project.settings(
        "staging: {days: 0, min_keep: 0, grace: 0h}", "extraction_state: {days: 0, min_keep: 0, grace: 0h}"
    )
    (project.folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (project.folder / "profiles.yml").write_text("shop: {outputs: {}}\n")
    entry = {"type": request.param, "prefix": "of dvt/{profile}", **server.settings(server.new_bucket())}
    content = {"shop": {"target": "lake", "buckets": {"lake": entry}}}
    (project.folder / "buckets.yml").write_text(yaml.safe_dump(content))
    return project


def test_a_dataset_in_a_store_goes_and_comes_back_whole(project):
    entry = load_buckets("shop", project.folder, home=project.folder).get()
    bucket = InFolder(open_bucket(entry, project.folder), "shop")
    put(bucket, "_owner.json", b'{"project": "shop"}')
    for path in ("run1/crm/aa", "run2/crm/in use"):
        put(bucket, f"{path}/part-0-0.parquet", path.encode() * 100_000)
        put(bucket, f"{path}/_committed.json", b'{"files": ["part-0-0.parquet"]}')

    def contents():
        return {key: read(bucket, key) for key, _ in bucket.list("") if not key.startswith("_leases/")}

    before = contents()
    settings = load_lifecycle(project.folder)
    with (
        Lease(bucket, "run2") as lease,
        System(settings, surroundings=surroundings(project.folder)) as system,
    ):
        lease.uses("run2/crm/in use")
        system.apply_policies("test")
        plan = system.plan(data_types=["staging", "extraction_state"])
        assert not plan.head.problems
        assert [of.item.key.rpartition("/")[2] for of in plan.items()] == ["aa"]
        record = system.run(plan, CleanupType.MANUAL)
        assert record.status is RunStatus.COMPLETED, record
        assert contents() == {key: of for key, of in before.items() if not key.startswith("run1/")}
        (outcome,) = system.restore(Wanted(run=record.id))
        assert (outcome.result, outcome.detail) == (Result.RESTORED, "")
        assert contents() == before
