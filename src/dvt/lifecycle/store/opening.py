"""Opens a store: the one way in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from sqlalchemy import text

from dvt.core.errors import StoreRefused, StoreUnreachable
from dvt.core.retention import CleanupType, Item, Moment, Outcome, Pin, Policy, RunRecord
from dvt.lifecycle.store.addresses import address
from dvt.lifecycle.store.chain import Chain, ChainCheck
from dvt.lifecycle.store.clock import ClockFacts
from dvt.lifecycle.store.database import Database
from dvt.lifecycle.store.events import Event
from dvt.lifecycle.store.locks import CleanerLock
from dvt.lifecycle.store.migrating import migrate
from dvt.lifecycle.store.past import Past
from dvt.lifecycle.store.pins import Pins
from dvt.lifecycle.store.policies import Policies
from dvt.lifecycle.store.present import now, uptime
from dvt.lifecycle.store.recording import Recorder
from dvt.lifecycle.store.records import Records
from dvt.lifecycle.store.schedules import Schedules
from dvt.lifecycle.store.spool import Spool, Synced, sync
from dvt.lifecycle.store.tokens import Tokens
from dvt.lifecycle.store.unfinished import end, is_from, open_items, origin
from dvt.runs.operations import Process


def open_store(url: str | Path, *, state: Path, actor: str, spool_automatic: bool = False) -> Store:
    """Open the store at an address, in the newest schema, and sync what runs without it have left in `state`.

    A SQLite store that is not there is made; a new store has no policies. StoreUnreachable if its database
    does not answer: `without_store` is for a run that a person wants nevertheless.

    Args:
        url: `sqlite:////folder/file.db` or `postgresql://user@host:port/database`, or the path of a file of
            SQLite. A password may also be where libpq looks for it: in PGPASSWORD, or in its password file.
        state: a folder of this machine, which is made if it is missing.
        actor: who holds the lock, as others are told.
        spool_automatic: automatic runs go on when the database stops answering, and are recorded in `state`.
    """
    place = address(url)
    database = Database(place)
    try:
        migrate(database)
        return Store(database, state, actor, spool_automatic=spool_automatic)
    except BaseException:
        database.close()
        raise


class Store:
    """A store that is open; close it, or use it in a `with`."""

    def __init__(self, database: Database, state: Path, actor: str, *, spool_automatic: bool) -> None:
        self._database = database
        self._origin = origin(state)
        self._chain = Chain(database)
        self._lock = CleanerLock(state, actor, database)
        self._spool = Spool(state / "spool")
        self.synced = self._sync(state / "spool")
        """What was synced when the store was opened."""
        self.label = database.place.label
        """Where the store is, without a password."""
        self.policy_table = Policies(database, self._chain)
        """Changes policies."""
        self.pin_table = Pins(database, self._chain)
        """Changes pins."""
        self.tokens = Tokens(database, self._chain)
        """Who may use the API."""
        self.schedules = Schedules(database, self._origin)
        """What the scheduler of this place knows of itself."""
        self.records = Records(database)
        """What is on record."""
        self.past = Past(database, self._origin["state"])
        """What this project's cleanups have done and seen."""
        self.audit = Recorder(
            self._chain.append,
            self._lock.check,
            self._spool,
            origin=self._origin,
            spool_automatic=spool_automatic,
        )
        """Puts runs on record."""

    def _sync(self, folder: Path) -> Synced:
        try:
            return sync(folder, self._chain.append_new)
        except StoreRefused as error:
            return Synced(0, problem=error.message)  # who only reads must be able to do so

    def policies(self) -> Mapping[str, Policy]:
        """Return the policies by data type; empty: nothing is due."""
        return self.policy_table.all()

    def pins(self, at: Moment | None = None) -> tuple[Pin, ...]:
        """Return the pins that are valid at a moment (now)."""
        return self.pin_table.valid(at)

    def one_cleaner(self) -> AbstractContextManager[None]:
        """Hold the lock against other cleaners, as the interface `Locks` promises."""
        return self._lock.one_cleaner()

    def is_cleaner_at_work(self) -> bool:
        """Return whether a cleaner is at work, or may be, here or, on PostgreSQL, elsewhere."""
        return self._lock.is_held()

    def unfinished(self) -> list[tuple[RunRecord, list[Item]]]:
        """Return runs from here without an end on record, with the items whose end they have not told.

        While this process holds the lock of cleaners, all but its own have been killed. Runs of other
        projects and machines are theirs to end: only there it is seen what became of their files.
        """
        return [
            (record, open_items(self.records, record.id))
            for record in self.records.unfinished()
            if is_from(self.records, record.id, self._origin)
        ]

    def automatic_runs(self) -> Iterator[RunRecord]:
        """Yield this project's automatic runs on record, the last first, on whichever machine they were."""
        here = {"state": self._origin["state"]}
        before: str | None = None
        while page := self.records.runs(before=before, cleanup_type=CleanupType.AUTOMATIC):
            yield from (record for record in page if is_from(self.records, record.id, here))
            before = page[-1].id

    def end(self, record: RunRecord, outcomes: Sequence[Outcome]) -> None:
        """Put on record what became of the last items of a run that was killed, and its end."""
        end(self.records, self.audit, record, outcomes)

    def verify_chain(self) -> ChainCheck:
        """Prove that nobody has changed what is on record, or name the first row that is not as it was."""
        return self._chain.verify()

    def clock_facts(self, at: Moment | None = None) -> ClockFacts:
        """Return what is known of the time; `at`: what a run takes for now."""
        last = self.records.latest_run()
        return ClockFacts(
            database=self._database_clock(),
            now=now() if at is None else at,
            boot=Process.this().boot,
            uptime=uptime(),
            last_run=None if last is None else last.began,
            last_boot="" if last is None else last.boot,
            last_uptime=0 if last is None else last.uptime,
        )

    def _database_clock(self) -> Moment | None:
        if self._database.is_sqlite:
            return None
        query = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT"
        with self._database.reading() as connection:
            return int(connection.execute(text(query)).scalar_one()) * 1000

    def close(self) -> None:
        """Close the store's connections."""
        self._spool.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class WithoutStore:
    """What a run that a person starts has while the store does not answer: a spool, and a local lock."""

    def __init__(self, state: Path, actor: str, cause: StoreUnreachable, *, spool_automatic: bool) -> None:
        self._cause = cause
        self._spool = Spool(state / "spool")
        self._lock = CleanerLock(state, actor)
        self.audit = Recorder(
            self._fail, self._lock.check, self._spool, origin=origin(state), spool_automatic=spool_automatic
        )
        """Puts runs on record in the spool; UnrecordedRun for automatic ones."""

    def one_cleaner(self) -> AbstractContextManager[None]:
        """Hold the lock against other cleaners of this machine."""
        return self._lock.one_cleaner()

    def close(self) -> None:
        """Let go of the spool, which is synced when the store is opened."""
        self._spool.close()

    def _fail(self, _events: Sequence[Event]) -> NoReturn:
        raise self._cause


def without_store(
    cause: StoreUnreachable, *, state: Path, actor: str, spool_automatic: bool = False
) -> WithoutStore:
    """Return what a run can do without the store; `cause`: why `open_store` could not open it."""
    return WithoutStore(state, actor, cause, spool_automatic=spool_automatic)
