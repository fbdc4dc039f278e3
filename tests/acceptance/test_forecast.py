"""What the next run would take of one that failed is told beforehand, and nothing is put for that."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime

import pytest
import yaml

from tests.acceptance.test_resume import (
    BOTH,
    BUCKETS_YML,
    COUNT,
    begin,
    datasets,
    fail,
    federate,
    of_sources,
    workspace,
)
from tests.databases.ports import free_port

__all__ = ["workspace"]

pytestmark = pytest.mark.slow


def forecast(run, sql=COUNT, **options):
    request = of_sources(run.request("m", sql, "wh", **options))
    return run.federator.staged(request, run.federator.plan(request))


def test_what_the_next_run_would_take_is_told_and_nothing_is_put(workspace):
    with begin(workspace) as run:
        told = forecast(run)
        assert (told.bucket, told.extractions, told.reused, told.notes) == ("local", 1, {}, ())
        assert told.address == "file:.dvt/staging"
    fail(workspace, ("m", COUNT))
    before = workspace.staged()
    with begin(workspace) as run:
        told = forecast(run)
        assert list(told.reused.values()) == [begun_at(workspace)]
        assert forecast(run, BOTH).reused == {}  # one of its tables is not there
        assert forecast(run, COUNT.replace("crm.facts", "crm.shown")).reused == {}
        of_a_model = run.request("m", COUNT, "wh")
        assert run.federator.staged(of_a_model, run.federator.plan(of_a_model)).reused == {}
    assert workspace.staged() == before
    with begin(workspace, resume=False) as run:
        assert forecast(run).reused == {}
    with begin(workspace) as run:
        federate(run, "m", COUNT)
        assert run.reporter.extracted(reused=True) == ["crm"]
    with begin(workspace) as run:
        assert forecast(run).reused == {}


def begun_at(workspace):
    """Return how the run is called that has left the only dataset."""
    (marker,) = datasets(workspace)
    facts = json.loads((workspace.root / ".dvt" / "staging" / marker).read_text())["answer_to"]
    return f"the run of {datetime.fromisoformat(facts['began']).astimezone():%H:%M} that failed"


def test_what_is_too_old_or_of_a_run_at_work_is_not_told(workspace):
    name = fail(workspace, ("m", COUNT))
    staging = workspace.root / ".dvt" / "staging"
    lease = staging / "_leases" / name / "lease.json"
    content = lease.read_text()
    for record in (workspace.root / ".dvt" / "operations").glob(f"{name}.*"):
        record.unlink()  # as another machine's run: this one's is known to be over
    for seconds, times in ((600, 0), (0, 1)):  # another machine's run is at work, then it has failed
        lease.write_text(json.dumps({**json.loads(content), "seconds": seconds}))
        with begin(workspace) as run:
            assert len(forecast(run).reused) == times
    (marker,) = datasets(workspace)
    ago = time.time() - 7 * 3600
    os.utime(staging / marker, (ago, ago))
    with begin(workspace) as run:
        assert forecast(run).reused == {}


def test_where_nothing_is_left_nothing_is_told(workspace):
    (workspace.root / "buckets.yml").write_text(BUCKETS_YML % ("after_failure", "0h"))
    fail(workspace, ("m", COUNT))
    with begin(workspace) as run:
        assert (forecast(run).bucket, forecast(run).reused) == ("here", {})


def test_a_bucket_that_cannot_be_read_is_a_note(workspace):
    far = {"type": "s3", "bucket": "b", "endpoint": f"http://127.0.0.1:{free_port()}", "timeout": 3}
    buckets = {"far": far, "unset": {"type": "s3", "bucket": "${DVT_TEST_NEVER_SET}"}}
    content = {"shop": {"target": "far", "buckets": buckets}}
    (workspace.root / "buckets.yml").write_text(yaml.safe_dump(content))
    with begin(workspace) as run:
        told = forecast(run)
        assert (told.bucket, told.reused) == ("far", {})
        assert told.address.startswith("s3://b")
        (note,) = told.notes
        assert note.startswith("DVT")
        assert "far" in note
        told = forecast(run, bucket="unset")
        assert (told.bucket, told.address) == ("unset", "")
        assert any("DVT_TEST_NEVER_SET" in note for note in told.notes)
