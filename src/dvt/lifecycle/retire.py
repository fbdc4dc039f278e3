"""The whole flow, in order: find, decide, plan; then back up, delete, and put on record. Read it first."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import groupby, islice

from dvt.core.errors import DvtError, PlanUnusable, RunRefused
from dvt.core.ports.lifecycle import Audit, Finder, Remover, RunAudit, VerifiedBackup
from dvt.core.retention import (
    CleanupType,
    Item,
    Moment,
    Outcome,
    PlanHead,
    PlannedItem,
    Result,
    RunRecord,
    RunStatus,
    Tally,
)
from dvt.lifecycle.decide import Survey, decide
from dvt.lifecycle.plan.plan_file import Plan, Plans
from dvt.lifecycle.plan.planning import Terms, circumstances, make_plan, survey

_BATCH = 256
"""Items that are backed up, deleted and put on record together: a sync of the disk for each step of them."""
_NOT_DONE = frozenset({Result.CHANGED, Result.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaner:
    """What can do something to the items of some data types."""

    finder: Finder
    remover: Remover


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """With what a run does its work."""

    run: str
    """Id of the run, of letters, digits, `-` and `_`."""
    cleaners: Sequence[Cleaner]
    audit: Audit
    one_at_a_time: Callable[[], AbstractContextManager[None]]
    """Holds the lock of cleaners; raises if another one is at work."""
    recover: Callable[[], Iterable[Outcome]] = tuple
    """Finishes, or takes back, what a run that died has begun."""
    stops: Callable[[], bool] = lambda: False
    """Whether somebody wants the run to end; asked between batches."""
    budget: float | None = None
    """Seconds after which no batch is begun."""
    report: Callable[[RunRecord], None] = lambda _record: None
    """Is told how far the run is: when it has begun, and after each batch."""
    leave_out: frozenset[tuple[str, str]] = frozenset()
    """Data types and keys of items of the plan that stay."""


def plan(finders: Sequence[Finder], terms: Terms, plans: Plans) -> Plan:
    """Look at what is there, and write down what is due. Nothing is changed: no finder can."""
    with plans.writing() as writer:
        return make_plan(finders, terms, writer)


def run(planned: Plan, terms: Terms, means: Means) -> RunRecord:
    """Do what a plan says, batch by batch; `terms` are those of now.

    An item that is not what it was, or that would not be due any more, stays; what is not in the plan is not
    looked at. RunRefused, PlanUnusable: nothing was touched.
    """
    _refuse(planned.head, terms)
    _require_planned(planned, means.leave_out)
    with means.one_at_a_time():
        progress = _Progress(planned.head, terms, means.run)
        record = means.audit.begin(planned.head, means.run, terms.asking, terms.now)
        try:
            means.report(progress.record())
            recovered = list(means.recover())
            if recovered:
                record.ended(recovered)
                progress.add(recovered, is_own=False)
            surveys = survey([cleaner.finder for cleaner in means.cleaners], terms)
            status, detail = _batches(planned, _Judge(terms, surveys), means, record, progress)
        except BaseException as error:
            # What became of a batch that was at work is not known here. The next run looks, as after a kill.
            if not progress.is_at_work:
                _close_after(error, record)
            raise
        record.close(status, detail)
    return progress.record(status, detail)


def _refuse(head: PlanHead, terms: Terms) -> None:
    if dict(head.policies) != dict(terms.policies):
        raise PlanUnusable(head.id, "policies have changed since it was made")
    reasons = tuple(dict.fromkeys((*terms.refusals, *head.refusals)))
    if terms.asking.cleanup_type is CleanupType.AUTOMATIC and reasons:
        raise RunRefused(reasons)


def _require_planned(planned: Plan, keys: frozenset[tuple[str, str]]) -> None:
    """Raise PlanUnusable unless all of these are in the plan: a key that is misspelt would not stay."""
    missing = set(keys)
    for of in planned.items() if missing else ():
        missing.discard((of.item.data_type, of.item.key))
    if missing:
        data_type, key = min(missing)
        raise PlanUnusable(planned.head.id, f"{key} of {data_type}, which is to be left out, is not in it")


def _batches(
    planned: Plan, judge: _Judge, means: Means, record: RunAudit, progress: _Progress
) -> tuple[RunStatus, str]:
    """Work through a plan; return how that ended."""
    start = time.monotonic()
    wanted = (of for of in planned.items() if (of.item.data_type, of.item.key) not in means.leave_out)
    for cleaner, batch in _batched(wanted, means.cleaners):
        if means.stops():
            return RunStatus.STOPPED, "somebody has stopped it"
        if means.budget is not None and time.monotonic() - start > means.budget:
            return RunStatus.STOPPED, f"its {means.budget:g} seconds were over"
        record.planned(batch)
        progress.is_at_work = True
        outcomes = list(_retire(batch, judge, cleaner))
        progress.is_at_work = False
        record.ended(outcomes)
        progress.add(outcomes)
        means.report(progress.record())
    return (RunStatus.PARTIAL, "some items have stayed") if progress.has_left else (RunStatus.COMPLETED, "")


def _retire(batch: Sequence[PlannedItem], judge: _Judge, cleaner: Cleaner | None) -> Iterator[Outcome]:
    """Back up items, and delete those of which there is a backup; yield what became of each."""
    if cleaner is None:
        yield from (
            _stays(of.item, Result.FAILED, "this run takes no items of its data type") for of in batch
        )
        return
    present = cleaner.finder.look([of.item for of in batch], judge.terms.now)
    reasons = [judge.reason_to_stay(of, now) for of, now in zip(batch, present, strict=True)]
    yield from (
        _stays(of.item, Result.CHANGED, reason) for of, reason in zip(batch, reasons, strict=True) if reason
    )
    due = [of for of, reason in zip(batch, reasons, strict=True) if not reason]
    backups = cleaner.remover.back_up(due)
    yield from (backup for backup in backups if isinstance(backup, Outcome))
    yield from cleaner.remover.delete([backup for backup in backups if isinstance(backup, VerifiedBackup)])


@dataclass(frozen=True, slots=True)
class _Judge:
    """Tells whether items that were due when a plan was made may still go."""

    terms: Terms
    surveys: Mapping[str, Survey]

    def reason_to_stay(self, of: PlannedItem, present: Item | None) -> str:
        """Return why an item stays, in words; empty: it does not."""
        if present is None:
            return "it is gone"
        if present.identity != of.item.identity:
            return "it has changed since the plan was made"
        if present.data_type != of.item.data_type:
            return f"it is of {present.data_type} by now"
        known = self.surveys.get(present.data_type, Survey())
        decision = decide(present, circumstances(present.data_type, self.terms, known))
        return "" if decision.is_due else decision.text


def _stays(item: Item, result: Result, detail: str) -> Outcome:
    return Outcome(item=item, result=result, detail=detail)


def _batched(
    items: Iterator[PlannedItem], cleaners: Sequence[Cleaner]
) -> Iterator[tuple[Cleaner | None, list[PlannedItem]]]:
    """Yield lists of items with who can do something to them."""
    of_type = {name: cleaner for cleaner in cleaners for name in cleaner.finder.data_types}
    for cleaner, group in groupby(items, key=lambda of: of_type.get(of.item.data_type)):
        while batch := list(islice(group, _BATCH)):
            yield cleaner, batch


def _close_after(error: BaseException, record: RunAudit) -> None:
    """Put an error on record, if that can be done at all."""
    status = RunStatus.FAILED if isinstance(error, Exception) else RunStatus.STOPPED
    detail = error.message if isinstance(error, DvtError) else type(error).__name__
    try:
        record.close(status, detail)
    except DvtError as failure:
        error.add_note(f"the end of the run is not on record: {failure.message}")


@dataclass(slots=True)
class _Progress:
    """What a run has done so far."""

    head: PlanHead
    terms: Terms
    run: str
    results: dict[str, dict[Result, Tally]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Tally))
    )
    has_left: bool = False
    is_at_work: bool = False
    """Whether something may have been done to items of which no outcome is known."""

    def add(self, outcomes: Sequence[Outcome], *, is_own: bool = True) -> None:
        """Count outcomes; `is_own`: of the plan's items, not what a run that died has left."""
        for outcome in outcomes:
            item = outcome.item
            self.results[item.data_type][outcome.result] += Tally(items=1, files=item.files, bytes=item.bytes)
            self.has_left |= is_own and outcome.result in _NOT_DONE

    def record(self, status: RunStatus = RunStatus.RUNNING, detail: str = "") -> RunRecord:
        results: Mapping[str, Mapping[Result, Tally]] = {name: dict(of) for name, of in self.results.items()}
        return RunRecord(
            id=self.run,
            plan=self.head.id,
            asking=self.terms.asking,
            began=self.terms.now,
            ended=None if status is RunStatus.RUNNING else _now(),
            status=status,
            results=results,
            detail=detail,
        )


def _now() -> Moment:
    return time.time_ns()
