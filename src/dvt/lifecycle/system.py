"""The lifecycle of a project, opened: what command line, API, page and schedule do their work with."""

from __future__ import annotations

import getpass
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Self

from dvt.config.lifecycle_file import Lifecycle
from dvt.core.retention import (
    Asking,
    CleanupType,
    Decision,
    Item,
    Moment,
    Outcome,
    Policy,
    RunRecord,
    Source,
    Tally,
)
from dvt.lifecycle import files, retire
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.decide import Survey, decide
from dvt.lifecycle.delete.files import FileRemover
from dvt.lifecycle.delete.recovery import became, recover
from dvt.lifecycle.find.files import FileFinder
from dvt.lifecycle.find.of_settings import only, places_of
from dvt.lifecycle.plan.plan_file import Plan, Plans
from dvt.lifecycle.plan.planning import Terms, circumstances, survey
from dvt.lifecycle.policies import drift
from dvt.lifecycle.restore import Wanted, restore
from dvt.lifecycle.store.clock import clock_refusals
from dvt.lifecycle.store.opening import Store, open_store
from dvt.lifecycle.store.present import now
from dvt.lifecycle.upkeep import Finding, purge, verify

_STATE = ".dvt/lifecycle"
"""Folder of a project with the lifecycle's own files."""
_RECORDED_AT_ONCE = 256
"""Restored files of which one note is made."""
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def actor() -> str:
    """Return who asks, as records name them."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


class System:
    """A project's lifecycle. Use it in a `with`."""

    def __init__(self, settings: Lifecycle, *, source: Source = Source.CLI, by: str = "") -> None:
        self.settings = settings
        self.state = settings.folder / _STATE
        self.places = places_of(settings)
        self.plans = Plans(self.state / "plans")
        self._asking = Asking(actor=by or actor(), source=source)
        self._open = ExitStack()
        url = settings.store or self.state / "lifecycle.db"
        self.store: Store = self._open.enter_context(
            open_store(url, state=self.state, actor=self._asking.actor)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._open.close()

    def asking(self, cleanup_type: CleanupType = CleanupType.MANUAL) -> Asking:
        """Return who asks, and how."""
        return replace(self._asking, cleanup_type=cleanup_type)

    def finders(self, data_types: Iterable[str] = ()) -> list[FileFinder]:
        """Return what finds items: of some data types, or of all."""
        avoid = [self.state, self.settings.backups]
        return [FileFinder(only(self.places, frozenset(data_types)), avoid=avoid)]

    def terms(self, cleanup_type: CleanupType = CleanupType.MANUAL) -> Terms:
        """Return what plans are made by at this moment."""
        moment = now()
        return Terms(
            policies=self.store.policies(),
            pins=self.store.pins(moment),
            now=moment,
            asking=self.asking(cleanup_type),
            refusals=clock_refusals(self.store.clock_facts(moment)),
        )

    def plan(self, cleanup_type: CleanupType = CleanupType.MANUAL, data_types: Iterable[str] = ()) -> Plan:
        """Make a plan."""
        return retire.plan(self.finders(data_types), self.terms(cleanup_type), self.plans)

    def run(
        self,
        plan: Plan,
        cleanup_type: CleanupType,
        *,
        budget: float | None = None,
        report: Callable[[RunRecord], None] = lambda _record: None,
        stops: Callable[[], bool] = lambda: False,
    ) -> RunRecord:
        """Run a plan."""
        terms, run = self.terms(cleanup_type), _new_run()
        with (
            self.vault() as vault,
            self.file_places() as places,
            FileRemover(vault, run, places, keep=self.settings.keep_backups) as remover,
        ):
            means = retire.Means(
                run=run,
                cleaners=[retire.Cleaner(finder=finder, remover=remover) for finder in self.finders()],
                audit=self.store.audit,
                one_at_a_time=self.store.one_cleaner,
                recover=lambda: self._recovered(vault, places, run),
                stops=stops,
                budget=budget,
                report=report,
            )
            record = retire.run(plan, terms, means)
            self._purge(vault, places, terms)
        return record

    def restore(self, wanted: Wanted, *, force: bool = False) -> Iterator[Outcome]:
        """Restore files, put that on record, and yield what became of each."""
        with self.vault() as vault, self.file_places() as places:
            outcomes = restore(vault, places, wanted, force=force)
            while some := list(islice(outcomes, _RECORDED_AT_ONCE)):
                self._note(
                    "restored",
                    [{"key": of.item.key, "result": of.result, "detail": of.detail} for of in some],
                )
                yield from some

    def backups(self) -> Iterator[Entry]:
        """Yield all backups."""
        with self.vault() as vault:
            yield from vault.entries()

    def verify_backups(self) -> Iterator[Finding | Entry]:
        """Read all backups; yield those that are right, and what is wrong with others."""
        with self.vault() as vault, self.file_places() as places:
            yield from verify(vault, places)

    def vault(self) -> Vault:
        """Open the place of backups."""
        return Vault(self.settings.backups)

    def file_places(self) -> files.Places:
        """Return the folders in which files may be deleted and restored."""
        return files.Places(self.places)

    def _recovered(self, vault: Vault, places: files.Places, run: str) -> Iterator[Outcome]:
        """Finish what killed runs have begun, put their ends on record, and yield what is of none of them."""
        finished = {(of.item.data_type, of.item.key): of for of in recover(vault, places)}
        for record, items in self.store.unfinished():
            if record.id == run:
                continue
            backups = {entry.item.key: entry for entry in vault.content(record.id).backups.values()}
            keys = [(item.data_type, item.key) for item in items]
            outcomes = [became(item, backups.get(item.key)) for item in items]
            self.store.end(
                record,
                [finished.get(key, outcome) for key, outcome in zip(keys, outcomes, strict=True)],
            )
            finished = {key: outcome for key, outcome in finished.items() if key not in keys}
        yield from finished.values()

    def _purge(self, vault: Vault, places: files.Places, terms: Terms) -> None:
        """Remove the backups whose time is over."""
        over = purge(vault, places, terms.now)
        gone = [{"key": entry.item.key, "backup": entry.location} for entry in over]
        if gone:
            self._note("purged", gone)

    def _note(self, action: str, of: Sequence[Mapping[str, object]]) -> None:
        self.store.audit.note(self.asking(), action, {"items": list(of)})

    def explain(self, wanted: Callable[[Item], bool]) -> Iterator[Explained]:
        """Yield what is decided of items, and why."""
        terms = self.terms()
        surveys = survey(self.finders(), terms)
        for finder in self.finders():
            for item in filter(wanted, finder.find(terms.now)):
                known = surveys.get(item.data_type, Survey())
                decision = decide(item, circumstances(item.data_type, terms, known))
                yield Explained(
                    item=item, decision=decision, policy=terms.policies.get(item.data_type), now=terms.now
                )

    def drift(self) -> list[str]:
        """Return what differs between lifecycle.yml and the valid policies, in sentences."""
        return drift.differences(self.settings.policies, self.store.policies())

    def effects(self) -> list[str]:
        """Return what more, or less, would be due with the policies of lifecycle.yml, in sentences."""
        valid = self.store.policies()
        before = self._due(valid)
        after = self._due({**valid, **self.settings.policies})
        return drift.effects(before, after)

    def needs_confirmation(self) -> bool:
        """Return whether making the policies of lifecycle.yml valid would delete much more."""
        valid = self.store.policies()
        return any(
            drift.needs_confirmation(valid.get(name), of) for name, of in self.settings.policies.items()
        )

    def apply_policies(self, reason: str, *, only_new: bool = False) -> list[str]:
        """Make the policies of lifecycle.yml valid, or those of data types that have none; return which."""
        valid = self.store.policies()
        changed = drift.changed(self.settings.policies, valid)
        wanted = [policy for policy in changed if not only_new or policy.data_type not in valid]
        for policy in wanted:
            self.store.policy_table.save(policy, self.asking(), reason)
        return [policy.data_type for policy in wanted]

    def _due(self, policies: Mapping[str, Policy]) -> Mapping[str, Tally]:
        with tempfile.TemporaryDirectory() as folder:
            terms = replace(self.terms(), policies=policies)
            return retire.plan(self.finders(), terms, Plans(Path(folder))).head.due


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What is decided of an item."""

    item: Item
    decision: Decision
    policy: Policy | None
    now: Moment


def _new_run() -> str:
    return f"{datetime.now(UTC):%Y%m%d}" + "".join(secrets.choice(_ALPHABET) for _ in range(10))
