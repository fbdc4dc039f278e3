"""What the cleanup page shows, gathered from the lifecycle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any

from dvt.config.lifecycle_file import has_groups
from dvt.core.errors import PlanUnusable
from dvt.core.moments import SECOND
from dvt.core.retention import (
    Moment,
    PlanHead,
    PlannedItem,
    Policy,
    RunRecord,
    RunStatus,
    Tally,
)
from dvt.lifecycle.plan.plan_file import Plan
from dvt.lifecycle.reports.plans import total, why_kept
from dvt.lifecycle.reports.runs import freed
from dvt.lifecycle.schedule.health import Health, health, local_text
from dvt.lifecycle.system import System
from dvt.web.disks import file_systems
from dvt.web.masking import Mask
from dvt.web.pages.forecast import forecast
from dvt.web.project import Project
from dvt.web.runs import Running

MOST = 1000
"""Items of a plan, or files of a run, that a page shows."""
RUNS = 20
"""Runs of a page of the history."""
_LATEST = 3
"""So many plans are tried to find one that can be used."""
_PAST = 400
"""Runs that the forecast is made of, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A data type with its policy, and what is known of its items."""

    name: str
    policy: Policy | None
    found: Tally | None
    due: Tally | None
    cleaned: int
    saved: int
    """Files and bytes that were deleted so far."""
    has_groups: bool = True
    """Whether its items may be of groups, of which numbers keep the newest."""

    @property
    def keeps(self) -> str:
        """What always stays, in words."""
        if self.policy is None:
            return ""
        names = ("keep_last", "keep_daily", "keep_weekly", "keep_monthly")
        rule = self.policy.rule
        words = [f"newest {rule.min_keep} of each group"] if rule.min_keep and self.has_groups else []
        words += [
            f"{name.removeprefix('keep_')} {getattr(rule, name)}"
            for name in names
            if getattr(rule, name) and self.has_groups
        ]
        words += [f"what fits {pattern}" for pattern in self.policy.protect]
        return ", ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """A cleanup that is under way."""

    run: str
    actor: str
    began: Moment | None
    done: int = 0
    due: int = 0
    """Items; 0: another process does it, and its progress is not known here."""
    freed: int = 0
    can_stop: bool = False
    is_stopping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something that the reader should know before all else."""

    title: str
    lines: Sequence[str] = ()
    kind: str = "warned"
    action: tuple[str, str] | None = None
    """Where a form is sent, and its button."""


def state_values(project: Project, system: System, plan: Plan | None) -> dict[str, Any]:
    """Return what is under way, and what there is to warn of."""
    known = health(system)
    return {
        "work": _at_work(project, system),
        "warnings": list(_warnings(system, plan, known)),
        "health": known,
        "next_run_text": local_text(known.next_run, known.schedule),
    }


def plan_values(system: System, plan: Plan | None) -> dict[str, Any]:
    """Return what a plan says, and the first of its items."""
    head = plan.head if plan else None
    return {
        "plan_made": plan,
        "found": total(head.found) if head else Tally(),
        "due": total(head.due) if head else Tally(),
        "items": list(islice(plan.items(), MOST)) if plan else [],
        "kept": [] if head is None else _kept(head),
        "data_types": sorted({name for finder in system.finders() for name in finder.data_types}),
        "chosen_type": _only_type(head),
    }


def page_values(project: Project, system: System, plan: Plan | None, before: str | None) -> dict[str, Any]:
    """Return all that the page shows."""
    records = system.store.records.runs(limit=RUNS + 1, before=before)
    stats = {of["data_type"]: of for of in system.store.records.stats()}
    ended = [of for of in system.store.records.runs(limit=RUNS) if of.status is not RunStatus.RUNNING]
    disks = list(file_systems(system))
    return {
        **state_values(project, system, plan),
        **plan_values(system, plan),
        "rows": _rows(system, plan.head if plan else None, stats),
        "runs": records[:RUNS],
        "runs_after": records[RUNS - 1].id if len(records) > RUNS else "",
        "last": next(iter(ended), None),
        "saved": sum(int(of["space_saved"]) for of in stats.values()),
        "pinned": system.store.pins(),
        "disks": disks,
        "forecast": forecast(_history(system), min((disk.free for disk in disks), default=None)),
    }


def latest_plan(system: System) -> Plan | None:
    """Return the plan that was made last; None if there is none that can be used."""
    return next(system.plans.newest(_LATEST), None)


def kept_items(
    items: Iterable[PlannedItem], keys: frozenset[str], patterns: Sequence[str]
) -> list[PlannedItem]:
    """Return the items that somebody wants to keep: by their keys, or because a pattern fits."""

    def stays(of: PlannedItem) -> bool:
        key = of.item.key
        name = key.rpartition("/")[2]
        return key in keys or any(fnmatchcase(key, by) or fnmatchcase(name, by) for by in patterns)

    return [of for of in items if stays(of)]


def short(key: str | Path, folder: Path, mask: Mask) -> str:
    """Return a path as it is read best: from the project's folder, if it is in there."""
    return mask.path(str(key)).removeprefix(f"{folder}/")


def _history(system: System) -> list[tuple[float, int]]:
    """Return how much the last runs have found when they began."""
    past = system.store.records.found(limit=_PAST)
    return [(at / SECOND, total(found).bytes) for at, found in past]


def _only_type(head: PlanHead | None) -> str:
    """Return the data type that a plan was restricted to; empty: to none."""
    names = list(head.found) if head else []
    return names[0] if head and len(names) == 1 and len(head.policies) > 1 else ""


def _kept(head: PlanHead) -> list[tuple[str, str, Tally]]:
    return [
        (name, why_kept(reason), tally)
        for name, reasons in sorted(head.kept.items())
        for reason, tally in sorted(reasons.items(), key=lambda of: -of[1].items)
    ]


def _rows(system: System, head: PlanHead | None, stats: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    valid = system.store.policies()
    known = {name for finder in system.finders() for name in finder.data_types}
    return [
        Row(
            name=name,
            policy=valid.get(name),
            found=head.found.get(name) if head else None,
            due=head.due.get(name) if head else None,
            cleaned=int(stats.get(name, {}).get("total_cleaned", 0)),
            saved=int(stats.get(name, {}).get("space_saved", 0)),
            has_groups=has_groups(system.settings.data.get(name)),
        )
        for name in sorted({*valid, *known})
    ]


def _at_work(project: Project, system: System) -> AtWork | None:
    running = project.runs.current()
    if running is not None:
        return _own(system, running)
    record = system.at_work()
    if record is None:
        return None
    return AtWork(
        run=record.id,
        actor=record.asking.actor,
        began=record.began,
        can_stop=True,
        is_stopping=system.is_stopped(record.id),
    )


def _own(system: System, running: Running) -> AtWork:
    record = running.record
    try:
        due = total(system.plans.read(running.order.plan).head.due).items
    except PlanUnusable:
        due = 0
    return AtWork(
        run=record.id if record else "",
        actor=running.order.by,
        began=record.began if record else None,
        done=_done(record).items if record else 0,
        due=max(1, due),
        freed=freed(record).bytes if record else 0,
        can_stop=record is not None,
        is_stopping=running.stop.is_set(),
    )


def _done(record: RunRecord) -> Tally:
    return sum((tally for of in record.results.values() for tally in of.values()), Tally())


def _warnings(system: System, plan: Plan | None, known: Health) -> Iterable[Warned]:
    if known.problems:
        yield Warned(title="The schedule is not kept", lines=known.problems, kind="bad")
    last = next(iter(system.store.records.runs(limit=1)), None)
    if plan is not None and last is not None and last.began >= plan.head.made and last.ended is not None:
        yield Warned(
            title="There was a cleanup since this dry run",
            lines=("Some of what it lists is gone by now: make another dry run.",),
        )
    if plan is not None and plan.head.refusals:
        yield Warned(title="The circuit breaker is open: automatic runs stop here", lines=plan.head.refusals)
    refusals = [of for of in system.terms().refusals if plan is None or of not in plan.head.refusals]
    if refusals:
        yield Warned(title="Automatic runs are refused", lines=refusals)
    drift = system.drift()
    if drift:
        action = ("/pipeline-management/apply", "Make lifecycle.yml valid…")
        yield Warned(
            title="lifecycle.yml says something else than the valid policies", lines=drift, action=action
        )
    valid = system.store.policies()
    if valid and not any(policy.rule.enabled for policy in valid.values()):
        yield Warned(title="All policies are disabled, so nothing is due")
