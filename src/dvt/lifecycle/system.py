"""The lifecycle of a project, with its store: what command line, API, page and schedule work with."""

from __future__ import annotations

import getpass
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dvt.config.lifecycle_file import Lifecycle, has_groups
from dvt.core.errors import NotThere, PolicyUseless, RunNotAtWork, StoreUnreachable
from dvt.core.ports.lifecycle import Surroundings
from dvt.core.retention import (
    CleanupType,
    Decision,
    Item,
    Moment,
    Outcome,
    Policy,
    RunRecord,
    RunStatus,
    Source,
    Tally,
)
from dvt.lifecycle import files, retire
from dvt.lifecycle.back_up.vault import Vault
from dvt.lifecycle.decide import Survey, decide
from dvt.lifecycle.delete.recovery import became, recover
from dvt.lifecycle.plan.plan_file import Plan, Plans
from dvt.lifecycle.plan.planning import Terms, circumstances, survey
from dvt.lifecycle.policies import drift
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.simulate import Evidence, Simulated, Steps, simulate
from dvt.lifecycle.store.clock import clock_refusals
from dvt.lifecycle.store.opening import Store, open_store
from dvt.lifecycle.store.present import now
from dvt.lifecycle.work import Recording, Wishes, Work, state_of

_PLANS_STAY = 30 * 86_400
"""Seconds for which plans stay."""
_STOP = "stop"
"""What is noted of a run that is to end."""


def actor() -> str:
    """Return who asks, as records name them."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def store_address(settings: Lifecycle) -> str | Path:
    """Return where a project's store is."""
    return settings.store or state_of(settings) / "lifecycle.db"


def store_of(settings: Lifecycle, by: str) -> Store:
    """Open a project's store; errors as of `open_store`."""
    return open_store(
        store_address(settings),
        state=state_of(settings),
        actor=by,
        spool_automatic=settings.spool_automatic,
    )


class System(Work):
    """A project's lifecycle, with its store. Use it in a `with`."""

    def __init__(
        self,
        settings: Lifecycle,
        *,
        source: Source = Source.CLI,
        by: str = "",
        store: Store | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        """Open the store; StoreUnreachable if it does not answer: `Offline` can do a part then.

        `store`: one that is open already, and stays open. `surroundings`: what is around the project, if it
        has more than files and databases.
        """
        super().__init__(settings, source=source, by=by or actor(), surroundings=surroundings)
        self._is_own = store is None
        self.store = store or store_of(settings, self.actor)

    def close(self) -> None:
        """See Work; a store that was given stays open."""
        super().close()
        if self._is_own:
            self.store.close()

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
        """Make a plan; plans that are too old go. NotThere if a data type is not known."""
        wanted = frozenset(data_types)
        self._require_known(wanted)
        self.plans.forget(time.time() - _PLANS_STAY)
        terms = replace(self.terms(cleanup_type), asked_for=tuple(sorted(wanted)))
        return retire.plan(self.finders(wanted, cleanup_type), terms, self.plans)

    def run(self, plan: Plan, cleanup_type: CleanupType, wishes: Wishes | None = None) -> RunRecord:
        """Run a plan."""
        recording = Recording(
            audit=self.store.audit,
            one_cleaner=self.store.one_cleaner,
            recover=self._recovered,
            is_stopped=self.is_stopped,
        )
        return self.execute(plan, self.terms(cleanup_type), recording, wishes or Wishes())

    def stop(self, run: str) -> RunRecord:
        """Have a run end after its batch, whichever process does it; return what is on record of it.

        NotThere: there is no such run. RunNotAtWork: it is over, or was killed.
        """
        record = self.store.records.run(run)
        if record is None:
            raise NotThere(f"run {run} on record")
        if record.status is not RunStatus.RUNNING:
            raise RunNotAtWork(run, "it is over")
        if not self.store.is_cleaner_at_work():
            raise RunNotAtWork(run, "it was killed; the next run finishes what it has begun")
        if not self.is_stopped(run):
            self.store.audit.note(self.asking(), _STOP, {}, run=run)
        return record

    def is_stopped(self, run: str) -> bool:
        """Return whether somebody has asked that a run end; False, too, while the store does not answer."""
        try:
            return self.store.records.has_note(run, _STOP)
        except StoreUnreachable:
            return False

    def at_work(self) -> RunRecord | None:
        """Return the run on record that is under way here or, on PostgreSQL, elsewhere; None if none is."""
        unfinished = self.store.records.unfinished()
        # Without a cleaner at work, they were killed.
        return unfinished[-1] if unfinished and self.store.is_cleaner_at_work() else None

    def restore(self, wanted: Wanted, *, force: bool = False) -> Iterator[Outcome]:
        """Restore files, put that on record, and yield what became of each."""
        return self.bring_back(self.store.audit, wanted, force=force)

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
        return list(self.effects_of(self.settings.policies.values()).lines)

    def effects_of(self, policies: Iterable[Policy]) -> Effects:
        """Return what would be due with these policies in the places of those that are valid, and is now."""
        valid = self.store.policies()
        others = {policy.data_type: policy for policy in policies}
        # Where all are looked at, none is named: there may be some that nobody has a policy for.
        names = others.keys() if len(others) < len(valid) else ()
        return Effects(
            before=self._due(valid, names),
            after=self._due({**valid, **others}, names),
            needs_confirmation=self.needs_confirmation(others.values()),
        )

    def simulate(self, data_type: str, policy: Policy | None, days: int) -> tuple[Simulated, Simulated]:
        """Return what would have been there in the last days with a policy, and with the valid one."""
        self._require_known([data_type])
        steps, finders = Steps(now(), days), self.finders([data_type])
        found = (item for finder in finders for item in finder.find(steps.now))
        evidence = Evidence(
            data_type=data_type,
            changes=self.store.past.changes(data_type),
            items=(item for item in found if item.data_type == data_type),
            looks=self.store.past.looks(),
            pins=self.store.pin_table.ever(),
            problems=(str(error) for finder in finders for error in finder.problems),
        )
        valid = self.store.policies().get(data_type)
        policies = [policy] if policy == valid else [policy, valid]
        simulated = simulate(evidence, policies, steps)
        return simulated[0], simulated[-1]

    def needs_confirmation(self, policies: Iterable[Policy] | None = None) -> bool:
        """Return whether making policies valid, those of lifecycle.yml or others, would delete much more."""
        valid = self.store.policies()
        wanted = self.settings.policies.values() if policies is None else policies
        return any(drift.needs_confirmation(valid.get(of.data_type), of) for of in wanted)

    def save_policy(self, policy: Policy, reason: str, *, based_on: int | None = None) -> Policy:
        """Make a policy valid that somebody has changed, and return it; PolicyUseless, PolicyOutdated."""
        if not has_groups(self.settings.data.get(policy.data_type)):
            for rule in (policy.rule, *(rule for _, rule in policy.special)):
                for key in ("keep_last", "keep_daily", "keep_weekly", "keep_monthly"):
                    if getattr(rule, key):
                        raise PolicyUseless(policy.data_type, key)
        return self.store.policy_table.save(policy, self.asking(), reason, based_on=based_on)

    def apply_policies(self, reason: str, *, only_new: bool = False) -> list[str]:
        """Make the policies of lifecycle.yml valid, or those of data types that have none; return which."""
        valid = self.store.policies()
        changed = drift.changed(self.settings.policies, valid)
        wanted = [policy for policy in changed if not only_new or policy.data_type not in valid]
        for policy in wanted:
            self.store.policy_table.save(policy, self.asking(), reason)
        return [policy.data_type for policy in wanted]

    def _recovered(self, vault: Vault, places: files.Places, run: str) -> Iterator[Outcome]:
        """Finish what killed runs have begun, put their ends on record, and yield what is of none of them."""
        finished = {(of.item.data_type, of.item.key): of for of in recover(vault, places)}
        for record, items in self.store.unfinished():
            if record.id == run:
                continue
            backups = {entry.item.key: entry for entry in vault.content(record.id).backups.values()}
            keys = [(item.data_type, item.key) for item in items]
            outcomes = [became(item, backups.get(item.key), self.is_there) for item in items]
            self.store.end(
                record,
                [finished.get(key, outcome) for key, outcome in zip(keys, outcomes, strict=True)],
            )
            finished = {key: outcome for key, outcome in finished.items() if key not in keys}
        yield from finished.values()

    def _require_known(self, data_types: Iterable[str]) -> None:
        known = {
            *self.settings.data,
            *self.store.policies(),
            *(of for kind in self.kinds for of in kind.data_types),
        }
        for name in sorted(data_types):
            if name not in known:
                raise NotThere(f"data type {name}", f"known: {', '.join(sorted(known))}")

    def _due(self, policies: Mapping[str, Policy], data_types: Iterable[str]) -> Mapping[str, Tally]:
        with tempfile.TemporaryDirectory() as folder:
            terms = replace(self.terms(), policies=policies)
            return retire.plan(self.finders(data_types), terms, Plans(Path(folder))).head.due


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a change of policies would do. By data type."""

    before: Mapping[str, Tally]
    """What is due now."""
    after: Mapping[str, Tally]
    needs_confirmation: bool
    """Whether items would stay for a much shorter time, or with fewer of each group."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What more, or less, would be due, in sentences."""
        return tuple(drift.effects(self.before, self.after))


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What is decided of an item."""

    item: Item
    decision: Decision
    policy: Policy | None
    now: Moment
