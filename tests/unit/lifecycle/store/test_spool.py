"""The spool: what the database could not take is synced once, in order, whoever is killed."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dvt.core.errors import DiskFull, StoreUnreachable, UnrecordedRun
from dvt.core.retention import Asking, Result, RunStatus, Tally
from dvt.lifecycle.store import EventFilter, Store, WithoutStore, open_store, without_store
from dvt.lifecycle.store.events import Event, EventKind
from dvt.lifecycle.store.spool import Spool
from dvt.lifecycle.store.tables import EVENTS
from tests.unit.lifecycle.store.making import ANA, BEGAN, CRON, outcomes, plan, planned

pytestmark = pytest.mark.slow

DOWN = StoreUnreachable("postgresql://db/dagster", "connection refused")
OPEN = """
import sys
from pathlib import Path
from dvt.lifecycle.store import open_store
open_store(sys.argv[1], state=Path(sys.argv[2]), actor="ana").close()
"""
SPOOL = """
import sys, time
from pathlib import Path
from dvt.core.errors import StoreUnreachable
from dvt.core.retention import Asking
from dvt.lifecycle.store import without_store
without = without_store(StoreUnreachable("there", "down"), state=Path(sys.argv[1]), actor="ana")
for number in range(10**6):
    without.audit.note(Asking(actor="ana"), "written", {"number": number})
    print(number, flush=True)
"""


@pytest.fixture
def without(state: Path) -> WithoutStore:
    """What a run has while the database is down."""
    return without_store(DOWN, state=state, actor="ana")


def _whole_run(store: Store | WithoutStore, asking: Asking = ANA, keys: int = 3) -> None:
    run = store.audit.begin(plan(temp_files=Tally()), "20261128run0000001", asking, BEGAN)
    entries = planned(*(f"/ops/{number}" for number in range(keys)))
    run.planned(entries)
    run.ended(outcomes(entries))
    run.close(RunStatus.COMPLETED)


def _spooled(state: Path, suffix: str = "jsonl") -> list[Path]:
    return sorted((state / "spool").glob(f"*.{suffix}"))


def _rows(store: Store) -> int:
    """Return how many events are on record, without reading them."""
    with store._database.reading() as connection:
        return connection.execute(select(func.count()).select_from(EVENTS)).scalar_one()


class TestSpool:
    def test_a_manual_run_is_synced_when_the_store_is_opened(
        self, without: WithoutStore, opened: Callable[..., Store], state: Path
    ):
        _whole_run(without)
        without.audit.note(ANA, "restored", {"files": 3})
        without.close()
        store = opened()
        assert store.synced.events == 9
        kinds = [event.kind.value for event in store.records.events()]
        assert kinds == ["run_began", *["planned"] * 3, *["outcome"] * 3, "run_ended", "note"]
        (record,) = store.records.runs()
        assert (record.status, record.asking, record.began) == (RunStatus.COMPLETED, ANA, BEGAN)
        assert record.results["temp_files"][Result.DELETED].files == 3
        assert [row["records_deleted"] for row in store.records.history()] == [3]
        assert store.verify_chain().is_whole
        assert _spooled(state) == []
        assert opened().synced.events == 0

    def test_an_automatic_run_is_refused_unless_it_is_allowed(self, without: WithoutStore, state: Path):
        with pytest.raises(UnrecordedRun, match="connection refused"):
            _whole_run(without, CRON)
        assert _spooled(state) == []
        allowed = without_store(DOWN, state=state, actor="ana", spool_automatic=True)
        _whole_run(allowed, CRON)
        assert len(_spooled(state)) == 1

    def test_files_are_synced_in_the_order_in_which_they_were_begun(
        self, state: Path, opened: Callable[..., Store]
    ):
        writers = [without_store(DOWN, state=state, actor="ana") for _ in range(5)]
        for number, writer in enumerate(writers):
            writer.audit.note(ANA, "written", {"number": number})
        for writer in reversed(writers):
            writer.close()
        store = opened()
        assert [event.details["number"] for event in store.records.events()] == list(range(5))

    def test_the_file_of_a_writer_that_lives_is_left_alone(
        self, without: WithoutStore, opened: Callable[..., Store], state: Path
    ):
        without.audit.note(ANA, "written", {"number": 0})
        assert opened().synced.events == 0
        without.audit.note(ANA, "written", {"number": 1})
        without.close()
        assert opened().synced.events == 2
        assert _spooled(state) == []

    def test_what_was_put_on_record_in_spite_of_an_error_is_not_put_there_twice(
        self, store: Store, state: Path, opened: Callable[..., Store]
    ):
        events = [Event(at=BEGAN, kind=EventKind.NOTE, asking=ANA, key=str(number)) for number in range(9)]
        store._chain.append(events[:5])
        spool = Spool(state / "spool")
        spool.write(events)
        spool.close()
        assert opened().synced.events == 4
        assert [event.event for event in store.records.events()] == [event.event for event in events]

    @pytest.mark.slow
    def test_a_sync_that_is_killed_at_any_moment_loses_and_doubles_nothing(
        self, url: str, without: WithoutStore, state: Path, opened: Callable[..., Store]
    ):
        store = opened()
        number, total = 0, 12_000
        while number < total:
            without._spool.write(
                [
                    Event(at=BEGAN, kind=EventKind.NOTE, asking=ANA, key=str(key))
                    for key in range(number, number + 3000)
                ]
            )
            number += 3000
        without.close()
        chance, seen = random.Random(7), set()
        command = [sys.executable, "-c", OPEN, url, str(state)]
        while _spooled(state) and len(seen) < 8:
            rows = _rows(store)
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            while process.poll() is None and _rows(store) == rows:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
            process.wait()
            seen.add(_rows(store))
        assert len([rows for rows in seen if 0 < rows < total]) >= 3, "it was not killed in the middle"
        opened()
        assert [event.key for event in store.records.events()] == [str(key) for key in range(total)]
        assert store.verify_chain().is_whole
        assert _spooled(state) == []

    @pytest.mark.slow
    def test_two_that_sync_at_once_double_nothing(
        self, url: str, without: WithoutStore, state: Path, opened: Callable[..., Store]
    ):
        _whole_run(without, keys=3000)
        without.close()
        command = [sys.executable, "-c", OPEN, url, str(state)]
        processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
        for process in processes:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors.decode()
        assert opened().verify_chain().rows == 6002


def test_what_a_killed_writer_was_told_is_on_the_disk_is_synced(state: Path, opened: Callable[..., Store]):
    process = subprocess.Popen(
        [sys.executable, "-c", SPOOL, str(state)], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout
    for _ in range(50):
        process.stdout.readline()
    process.kill()
    rest, _ = process.communicate()
    written = 50 + len(rest.splitlines())
    numbers = [event.details["number"] for event in opened().records.events()]
    assert numbers == list(range(len(numbers)))
    assert written <= len(numbers) <= written + 1


def test_a_last_line_that_is_torn_is_dropped(
    without: WithoutStore, state: Path, opened: Callable[..., Store]
):
    _whole_run(without)
    without.close()
    (file,) = _spooled(state)
    os.truncate(file, file.stat().st_size - 10)
    assert opened().synced == (7, (), "")


@pytest.mark.parametrize("damage", [b"x", b"\n", b"\xff\xfe"])
def test_a_damaged_line_is_told_and_kept_and_the_others_are_synced(
    damage: bytes, without: WithoutStore, state: Path, opened: Callable[..., Store]
):
    _whole_run(without)
    without.close()
    (file,) = _spooled(state)
    lines = file.read_bytes().split(b"\n")
    lines[2] = lines[2][:40] + damage + lines[2][41:]
    file.write_bytes(b"\n".join(lines))
    store = opened()
    (moved,) = store.synced.damaged
    assert moved.read_bytes() == b"\n".join(lines)
    (note,) = store.records.events(EventFilter(key="spool_damaged"))
    assert note.details["file"] == moved.name
    assert note.details["lines"][0] == 3
    assert store.verify_chain().rows == 8
    assert opened().synced.events == 0


def test_the_spool_is_for_its_owner_alone(without: WithoutStore, state: Path):
    without.audit.note(ANA, "written", {})
    (file,) = _spooled(state)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


class TestBusyDatabase:
    """The database answers too late, since somebody else holds it."""

    @pytest.fixture
    def busy(self, url: str, state: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr("dvt.lifecycle.store.database.PATIENCE", 0.2)
        with (
            open_store(url, state=state, actor="ana") as store,
            open_store(url, state=state, actor="bob") as other,
        ):
            yield store, other._database.writing

    def test_a_manual_run_goes_on_in_the_spool_and_stays_in_order(
        self, busy: Any, state: Path, opened: Callable[..., Store]
    ):
        store, blocked = busy
        run = store.audit.begin(plan(), "20261128run0000001", ANA, BEGAN)
        entries = planned("/ops/a", "/ops/b")
        with blocked():
            run.planned(entries)
        run.ended(outcomes(entries))
        run.close(RunStatus.COMPLETED)
        assert len(list(store.records.events())) == 1
        store.close()
        kinds = [event.kind.value for event in opened().records.events()]
        assert kinds == ["run_began", "planned", "planned", "outcome", "outcome", "run_ended"]

    def test_an_automatic_run_stops_before_it_does_anything_more(self, busy: Any, state: Path):
        store, blocked = busy
        run = store.audit.begin(plan(), "20261128run0000001", CRON, BEGAN)
        with blocked(), pytest.raises(UnrecordedRun, match="locked"):
            run.planned(planned("/ops/a"))
        assert _spooled(state) == []

    def test_what_an_automatic_run_has_done_is_not_lost(
        self, busy: Any, state: Path, opened: Callable[..., Store]
    ):
        store, blocked = busy
        run = store.audit.begin(plan(), "20261128run0000001", CRON, BEGAN)
        entries = planned("/ops/a")
        run.planned(entries)
        with blocked():
            with pytest.raises(UnrecordedRun):
                run.ended(outcomes(entries))
            run.close(RunStatus.FAILED, "the audit failed")
        store.close()
        events = list(opened().records.events())
        assert [event.kind.value for event in events] == ["run_began", "planned", "outcome", "run_ended"]

    def test_an_automatic_run_does_not_begin(self, busy: Any, state: Path):
        store, blocked = busy
        with blocked(), pytest.raises(UnrecordedRun):
            store.audit.begin(plan(), "20261128run0000001", CRON, BEGAN)
        assert store.records.runs() == ()


def _fill(without: WithoutStore, written: list[int]) -> None:
    for number in range(1000):
        without.audit.note(ANA, "written", {"text": "x" * 1000})
        written.append(number)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_spool_on_a_full_disk_keeps_whole_lines(small: Path):
    without = without_store(DOWN, state=small, actor="ana")
    written: list[int] = []
    with pytest.raises(DiskFull):
        _fill(without, written)
    without.close()
    (file,) = (small / "spool").glob("*.jsonl")
    assert file.read_bytes().count(b"\n") == len(written) > 10
    assert file.read_bytes().endswith(b"\n")


def test_a_store_on_a_full_disk_lets_a_person_run_and_is_whole_again(small: Path, state: Path):
    """A full disk is what somebody runs a cleaner for."""
    with open_store(small / "lifecycle.db", state=state, actor="ana") as store:
        ballast = small / "ballast"
        ballast.write_bytes(b"x" * (300 * 1024 - _used(small)))
        _whole_run(store, keys=2000)
        assert len(_spooled(state)) == 1
        with pytest.raises(UnrecordedRun, match="full"):
            _whole_run(store, CRON, keys=2000)
        ballast.unlink()
    # Its records have no room here; on another disk they are all there.
    with open_store(state / "other.db", state=state, actor="ana") as other:
        assert other.synced.events >= 4001
        assert other.verify_chain().is_whole
    with open_store(small / "lifecycle.db", state=state, actor="ana") as store:
        store.audit.note(ANA, "written", {})
        assert store.verify_chain().is_whole


def test_a_store_that_cannot_be_opened_on_a_full_disk_says_so(small: Path, state: Path):
    open_store(small / "lifecycle.db", state=state, actor="ana").close()
    with (small / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(b"x" * 4096)
    with pytest.raises(StoreUnreachable, match="does not answer: its disk is full") as error:
        open_store(small / "lifecycle.db", state=state, actor="ana").policies()
    assert error.value.hint.startswith("make some room there first")


def _used(folder: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*"))
