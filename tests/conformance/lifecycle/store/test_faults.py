"""What becomes of runs when PostgreSQL goes away, and of passwords when it refuses."""

from __future__ import annotations

import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import (
    CleanerAtWork,
    CleanerLockLost,
    DvtError,
    StoreRefused,
    StoreUnreachable,
    UnrecordedRun,
)
from dvt.core.retention import RunStatus, Tally
from dvt.lifecycle.store import Store, clock_refusals, open_store, without_store
from tests.conformance.lifecycle.store.conftest import Place
from tests.databases.ports import free_port
from tests.databases.postgres import USER, postgres
from tests.unit.lifecycle.store.making import ANA, BEGAN, CRON, outcomes, plan, planned
from tests.unit.lifecycle.store.test_locks import holder

pytestmark = pytest.mark.slow

SECRET = "pl4nted-s3cret"


def _whole_text(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)


def _end_session(place: Place) -> None:
    """End the session that holds the lock, as an administrator or a failing network does."""
    place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name LIKE 'dvt cleaner%' AND datname = current_database()"
    )
    while place.sql(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name LIKE 'dvt cleaner%' AND datname = current_database()"
    ) != [(0,)]:
        time.sleep(0.01)


class TestLostLock:
    def test_nothing_more_is_planned_when_the_lock_is_lost(self, place: Place, store: Store):
        with store.one_cleaner():
            run = store.audit.begin(plan(), "20261128run0000001", ANA, BEGAN)
            _end_session(place)
            with pytest.raises(CleanerLockLost, match="DVT206"):
                run.planned(planned("/ops/a"))
            with pytest.raises(CleanerLockLost):
                run.planned(planned("/ops/a"))

    def test_what_was_done_until_then_is_on_record(
        self, place: Place, store: Store, opened: Callable[..., Store]
    ):
        entries = planned("/ops/a")
        with store.one_cleaner():
            run = store.audit.begin(plan(temp_files=Tally()), "20261128run0000001", CRON, BEGAN)
            run.planned(entries)
            _end_session(place)
            with pytest.raises(CleanerLockLost):
                run.ended(outcomes(entries))
            run.close(RunStatus.FAILED, "the lock was lost")
        store.close()
        store = opened()
        kinds = [event.kind.value for event in store.records.events()]
        assert kinds == ["run_began", "planned", "outcome", "run_ended"]
        assert store.records.runs()[0].status is RunStatus.FAILED

    def test_the_lock_can_be_taken_by_another_and_again(self, place: Place, store: Store, state: Path):
        with store.one_cleaner():
            _end_session(place)
            elsewhere = open_store(place.url(), state=state.parent / "other", actor="bob")
            with elsewhere as other, other.one_cleaner():
                with pytest.raises(CleanerLockLost):
                    store.audit.begin(plan(), "20261128run0000001", ANA, BEGAN)
                other.audit.begin(plan(), "20261128run0000002", ANA, BEGAN)
        with store.one_cleaner():
            store.audit.begin(plan(), "20261128run0000001", ANA, BEGAN)
        assert {run.id for run in store.records.runs()} == {"20261128run0000001", "20261128run0000002"}

    def test_another_user_is_told_who_is_at_work(self, place: Place, tmp_path: Path):
        with holder(place.url(), tmp_path / "one"):
            owner = place.url("postgres", "0wner-s3cret")
            told = pytest.raises(CleanerAtWork, match=r"bob@.*since 20\d\d-")
            with open_store(owner, state=tmp_path / "two", actor="eve") as store, told, store.one_cleaner():
                pass


@pytest.fixture
def server() -> Iterator[Any]:
    """A server of this test's own, which may be killed."""
    with postgres() as running:
        yield running


def test_a_server_that_dies_and_returns(server: Any, state: Path):
    place = Place(server, "shop")
    url = place.url()
    with open_store(url, state=state, actor="ana") as store:
        store.policy_table.restore_defaults(ANA, "first")
        manual = store.audit.begin(plan(temp_files=Tally()), "20261128run0000001", ANA, BEGAN)
        automatic = store.audit.begin(plan(temp_files=Tally()), "20261128run0000002", CRON, BEGAN)
        entries = planned("/ops/a", "/ops/b")
        automatic.planned(entries)
        rows = store.verify_chain().rows
        server.kill()
        manual.planned(entries)
        with pytest.raises(UnrecordedRun):
            automatic.planned(planned("/ops/c"))
        with pytest.raises(UnrecordedRun):
            automatic.ended(outcomes(entries))
        automatic.close(RunStatus.FAILED)
        with pytest.raises(StoreUnreachable):
            store.policies()
        with pytest.raises(StoreUnreachable) as down:
            open_store(url, state=state, actor="ana")
        without = without_store(down.value, state=state, actor="ana")
        with without.one_cleaner():
            other = without.audit.begin(plan(temp_files=Tally()), "20261128run0000003", ANA, BEGAN)
            other.ended(outcomes(entries))
            other.close(RunStatus.COMPLETED)
        without.close()
        server.start_again()
        manual.ended(outcomes(entries))
        manual.close(RunStatus.COMPLETED)
        assert store.verify_chain().rows == rows, "what comes later must not be before what was spooled"
    with open_store(url, state=state, actor="ana") as store:
        assert store.synced.events == 2 + 2 + 1 + 2 + 1 + 1 + 2 + 1
        assert {run.id: run.status for run in store.records.runs()} == {
            "20261128run0000001": RunStatus.COMPLETED,
            "20261128run0000002": RunStatus.FAILED,
            "20261128run0000003": RunStatus.COMPLETED,
        }
        assert store.verify_chain().is_whole


def test_a_server_that_is_killed_while_writing_has_all_or_nothing_of_a_batch(server: Any, state: Path):
    """Killed at a moment by chance; what was reported as written is there."""
    url = Place(server, "shop").url()
    script = (
        "import sys\nfrom pathlib import Path\nfrom dvt.lifecycle.store import open_store\n"
        "from tests.unit.lifecycle.store.making import *\n"
        "store = open_store(sys.argv[1], state=Path(sys.argv[2]), actor='ana')\n"
        "run = store.audit.begin(plan(), '20261128run0000001', CRON, BEGAN)\n"
        "print('began', flush=True)\n"
        "for batch in range(10**6):\n"
        "    run.planned(planned(*(f'/ops/{batch}/{number}' for number in range(100))))\n"
        "    print(batch, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, url, str(state)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "began\n"
    time.sleep(1.5)
    server.kill()
    batches = len(process.communicate(timeout=60)[0].splitlines())
    server.start_again()
    with open_store(url, state=state, actor="ana") as store:
        check = store.verify_chain()
        assert check.is_whole
        assert (check.rows - 1) % 100 == 0
        assert (check.rows - 1) // 100 in {batches, batches + 1}


@pytest.mark.parametrize("password", [f"{SECRET}", f"{SECRET}/@:%?#'\" x"])
def test_a_wrong_password_is_refused_and_not_shown(password: str, place: Place, state: Path):
    with pytest.raises(StoreRefused, match=r"DVT202.*127\.0\.0\.1.*password authentication failed") as raised:
        open_store(place.url(USER, password), state=state, actor="ana")
    assert SECRET not in _whole_text(raised.value)


def test_a_server_that_is_down_is_unreachable_and_the_password_not_shown(place: Place, state: Path):
    url = place.url(USER, SECRET, free_port())
    for address in (url, f"{url}?password={SECRET}", f"{url}?connect_timeout=3"):
        with pytest.raises(StoreUnreachable, match="Connection refused") as raised:
            open_store(address, state=state, actor="ana")
        assert SECRET not in _whole_text(raised.value)


def test_an_option_that_is_none_shows_no_password(place: Place, state: Path):
    with pytest.raises(DvtError) as raised:
        open_store(f"{place.url(USER, SECRET)}?passwrd={SECRET}", state=state, actor="ana")
    assert SECRET not in _whole_text(raised.value)


def test_a_database_that_is_not_there_is_named(place: Place, state: Path):
    with pytest.raises(DvtError, match='database "missing" does not exist'):
        open_store(place.url().replace(place.name, "missing"), state=state, actor="ana")


def test_the_password_may_come_from_the_environment(
    place: Place, state: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PGPASSWORD", "0wner-s3cret")
    url = f"postgresql://postgres@127.0.0.1:{place.server.port}/{place.name}"
    with open_store(url, state=state, actor="ana") as store:
        assert store.label == f"postgresql://127.0.0.1:{place.server.port}/{place.name}"


def test_the_clock_is_compared_with_the_database(store: Store):
    facts = store.clock_facts()
    assert facts.database is not None
    assert abs(facts.database - facts.now) < 5 * 10**9
    assert clock_refusals(store.clock_facts(facts.now + 3605 * 10**9))[0].startswith("the clock is 1 h ")


def test_a_store_that_was_locked_away_for_too_long_is_unreachable(
    place: Place, store: Store, monkeypatch: pytest.MonkeyPatch, state: Path
):
    monkeypatch.setattr("dvt.lifecycle.store.database.PATIENCE", 1)
    with closing(place.server.owner(place.name)) as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute("LOCK TABLE cleanup_events")
        late = pytest.raises(StoreUnreachable, match="lock timeout")
        with open_store(place.url(), state=state, actor="ana") as own, late:
            own.verify_chain()
        connection.rollback()
