"""Staged datasets are extracted once, waited for without deadlock, and visible once committed."""

from __future__ import annotations

import json
import os
import random
import stat
import threading
import time
from pathlib import Path

import pytest

from dvt.core.errors import Cancelled, DiskFull, QueryFailed, StagingUnusable
from dvt.core.tables import StageColumn
from dvt.core.types import INTEGER
from dvt.staging.parquet import MARKER_FILE
from dvt.staging.paths import escaped
from dvt.staging.shared import Staging
from tests.local_bucket import files, local_bucket

COLUMNS = (StageColumn("a", INTEGER),)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "staging"


@pytest.fixture
def staging(root):
    return Staging(local_bucket(root), "run1")


def fill(sink, text="rows"):
    write(sink, text)
    return sink.commit(COLUMNS, 3)


def write(sink, text):
    with sink.location.bucket.writing("duckdb", sink.part()) as path:
        Path(path).write_text(text)


def never():
    return False


def test_a_dataset_says_what_it_holds(staging, root):
    dataset = fill(staging.claim("crm", "k1").sink)
    assert (dataset.rows, dataset.bytes, dataset.columns) == (3, 4, COLUMNS)
    folder = root / "run1" / "crm" / "k1"
    assert [Path(file).parent for file in files(dataset)] == [folder]
    assert json.loads((folder / MARKER_FILE).read_text()) == {
        "rows": 3,
        "bytes": 4,
        "columns": [{"name": "a", "type": "INTEGER"}],
        "files": [Path(files(dataset)[0]).name],
    }


def test_without_a_commit_there_is_no_marker(staging, root):
    write(staging.claim("crm", "k1").sink, "half")
    assert not list(root.rglob(MARKER_FILE))


def test_only_the_owner_can_read_what_is_staged(staging, root):
    before = os.umask(0)
    try:
        fill(staging.claim("crm", "k1").sink)
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_parts_of_every_attempt_have_paths_of_their_own(staging):
    first = staging.claim("crm", "k1")
    paths = [first.sink.part(), first.sink.part()]
    first.sink.discard()
    first.failed(Cancelled("testing"))
    paths.append(staging.claim("crm", "k1").sink.part())
    assert len(set(paths)) == 3


def test_a_part_that_was_never_written_holds_nothing(staging):
    sink = staging.claim("crm", "k1").sink
    sink.part()
    dataset = sink.commit(COLUMNS, 0)
    assert (dataset.keys, dataset.bytes) == ((), 0)


def test_a_sink_may_be_discarded_twice_and_before_it_is_written(staging, root):
    sink = staging.claim("crm", "k1").sink
    sink.discard()
    write(sink, "x")
    sink.discard()
    sink.discard()
    assert not list(root.rglob("*.parquet"))


def test_a_sink_that_cannot_be_discarded_is_reported_at_the_end_of_the_run(staging, monkeypatch):
    sink = staging.claim("crm", "k1").sink
    write(sink, "x")

    def refuse(prefix):
        raise StagingUnusable(prefix, "Permission denied")

    monkeypatch.setattr(staging.bucket, "delete", refuse)
    sink.discard()
    with pytest.raises(StagingUnusable, match="run1: Permission denied"):
        staging.close()


def test_eight_threads_with_the_same_claim_extract_once(staging):
    extracted: list[int] = []
    answers = []
    barrier = threading.Barrier(8)

    def ask(number):
        barrier.wait()
        claim = staging.claim("crm", "k1")
        if claim.sink is None:
            answers.append(claim.wait(never))
            return
        extracted.append(number)
        time.sleep(0.1)
        dataset = fill(claim.sink)
        claim.done(dataset)
        answers.append(dataset)

    run_threads([threading.Thread(target=ask, args=(number,)) for number in range(8)])
    assert len(extracted) == 1
    assert len(answers) == 8
    assert len(set(answers)) == 1


def test_connections_do_not_share_answers(staging):
    assert staging.claim("crm", "k1").sink is not None
    assert staging.claim("erp", "k1").sink is not None
    assert staging.claim("crm", "k1").sink is None


def test_a_failure_reaches_every_waiter_and_the_next_claim_extracts_again(staging):
    owner, waiter = staging.claim("crm", "k1"), staging.claim("crm", "k1")
    error = QueryFailed("crm", "extracting", "no")
    owner.failed(error.about("first", "first.sql"))
    with pytest.raises(QueryFailed) as caught:
        waiter.wait(never)
    assert caught.value is not error
    assert str(caught.value.about("second", "second.sql")).startswith(
        "DVT133 second (second.sql): 'crm' failed"
    )
    assert error.node == "first"
    assert staging.claim("crm", "k1").sink is not None


def test_after_a_cancel_a_waiting_node_extracts_for_itself(staging):
    owner, waiter = staging.claim("crm", "k1"), staging.claim("crm", "k1")
    owner.failed(Cancelled("extracting"))
    assert waiter.wait(never) is None
    assert staging.claim("crm", "k1").sink is not None


def test_a_waiter_that_is_stopped_stops_waiting(staging):
    staging.claim("crm", "k1")
    waiter = staging.claim("crm", "k1")
    looks = iter([False, False, True])
    with pytest.raises(Cancelled):
        waiter.wait(lambda: next(looks))
    assert list(looks) == []


def test_overlapping_claims_never_deadlock(staging):
    """Twelve threads claim random halves of ten queries, in any order, and one claim in five fails."""
    chance = random.Random(7)
    wishes = [chance.sample([f"k{n}" for n in range(10)], 5) for _ in range(12)]
    counts: list[int] = []

    def model(keys):
        missing = keys
        while missing:
            claims = [(key, staging.claim("crm", key)) for key in missing]
            for _, claim in claims:
                if claim.sink is not None:
                    if chance.random() < 0.2:
                        claim.failed(Cancelled("testing"))
                    else:
                        claim.done(fill(claim.sink))
            missing = [key for key, claim in claims if claim.wait(never) is None]
        counts.append(len(keys))

    run_threads([threading.Thread(target=model, args=(wish,)) for wish in wishes])
    assert counts == [5] * 12


def test_the_end_of_a_run_removes_its_staging_and_no_other(root):
    bucket = local_bucket(root)
    ended, other = Staging(bucket, "run1"), Staging(bucket, "run2")
    fill(ended.claim("crm", "k1").sink)
    fill(other.claim("crm", "k1").sink)
    ended.close()
    assert sorted(path.relative_to(root).as_posix() for path in root.glob("*/*")) == [
        "_leases/run2",
        "run2/crm",
    ]


def test_staging_that_is_kept_stays(root):
    staging = Staging(local_bucket(root), "run1", keep=True)
    fill(staging.claim("crm", "k1").sink)
    result = staging.result("r1")
    fill(result)
    staging.used(result)
    staging.close()
    assert {path.name for path in (root / "run1").iterdir()} == {"crm", "_results"}
    assert len([path for path in root.rglob(MARKER_FILE) if path.parent.name != "kept"]) == 2


def test_a_model_that_runs_again_after_its_load_failed_stages_anew(staging):
    first, second = fill(staging.result("r1")), fill(staging.result("r1"))
    assert first.at.prefix != second.at.prefix


def test_a_result_is_removed_once_it_is_used(staging, root):
    result = staging.result("r1")
    fill(result)
    staging.used(result)
    assert not list(root.rglob(MARKER_FILE))


ODD = [
    "a/b",
    "../up",
    "..",
    ".",
    "",
    "Crm",
    "crm",
    "CRM",
    "_results",
    "_spill",
    "ünï",
    "😀" * 80,
    "x" * 300,
    "x=y",
]


def test_odd_connection_names_stay_inside_and_apart(staging, root):
    for name in ODD:
        fill(staging.claim(name, "k").sink)
    markers = {str(path.resolve()).casefold() for path in root.rglob(MARKER_FILE)}
    assert len(markers) == len(ODD)
    assert all(
        str(path.resolve()).startswith(str(root.resolve() / "run1"))
        for path in root.rglob("*")
        if path.is_file() and path.name != "lease.json"
    )
    assert {path.name for path in (root / "run1").iterdir()} == {escaped(name) for name in ODD}
    assert max(len(os.fsencode(escaped(name))) for name in ODD) <= 100


def test_a_full_disk_is_named(staging, monkeypatch):
    def disk_full(*_):
        raise OSError(28, "No space left on device")

    sink = staging.claim("crm", "k1").sink
    sink.part()
    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(DiskFull):
        sink.commit(COLUMNS, 0)


def run_threads(threads):
    for thread in threads:
        thread.daemon = True
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
