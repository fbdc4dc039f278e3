"""Writes plans, and what a decision on one item was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dvt.core.reports import count, size
from dvt.core.retention import (
    DUE,
    Action,
    Decision,
    Item,
    Moment,
    PlanHead,
    PlannedItem,
    Policy,
    Reason,
    Tally,
)
from dvt.lifecycle.plan.plan_file import Plan
from dvt.lifecycle.reports.times import moment_text

MOST = 10
"""Items of a data type that are listed where not all are asked for."""
_NOTHING_TO_GO = "Nothing is due."
_NO_POLICIES = (
    "There are no policies, so nothing is ever due: `dvt lifecycle init` writes the usual ones, and "
    "`dvt lifecycle policies apply` makes those of lifecycle.yml valid."
)
_WORDS: Mapping[Reason, str] = {
    Reason.NO_POLICY: "without a policy",
    Reason.DISABLED: "whose policy is disabled",
    Reason.PINNED: "pinned",
    Reason.PROTECTED: "protected",
    Reason.HELD: "in use, or otherwise held",
    Reason.AGE_UNKNOWN: "of unknown age",
    Reason.STATUS_UNKNOWN: "of unknown status",
    Reason.IN_THE_FUTURE: "from the future",
    Reason.GRACE: "in their grace period",
    Reason.YOUNG: "young",
    Reason.MIN_KEEP: "the newest of their group",
    Reason.LAST_SUCCESS: "the last success of their group",
    Reason.KEEP_LAST: "among the last of their group",
    Reason.KEEP_DAILY: "of a day that is kept",
    Reason.KEEP_WEEKLY: "of a week that is kept",
    Reason.KEEP_MONTHLY: "of a month that is kept",
    Reason.COMPRESSED: "compressed already",
}
"""Reason to keep → how items with it are called."""


def as_lines(plan: Plan, *, everything: bool = False) -> Iterator[str]:
    """Yield a plan for people: a table of data types, what is due and why, and what stays."""
    head = plan.head
    yield from _table(head)
    yield from _due(plan, everything=everything)
    yield from _kept(head)
    yield from (f"not looked at: {line}" for problem in head.problems for line in problem.splitlines())
    yield from (f"an automatic run is refused: {reason}" for reason in head.refusals)
    yield ""
    if total(head.due).items:
        yield f"plan {head.id}: to run it, dvt lifecycle run {head.id}"
    else:
        yield _NOTHING_TO_GO if head.policies else _NO_POLICIES


def _table(head: PlanHead) -> Iterator[str]:
    rows = [("data type", "found", "", "due", "", "stays for")]
    for name in _looked_at(head):
        found, due = head.found.get(name, Tally()), head.due.get(name, Tally())
        rows.append(
            (
                name,
                f"{found.items:,}",
                size(found.bytes),
                f"{due.items:,}",
                size(due.bytes),
                stays_for(head.policies.get(name)),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(row[at].rjust(widths[at]) for at in range(1, 5)), row[5]]
        yield "  ".join(cells).rstrip()


def _looked_at(head: PlanHead) -> list[str]:
    return sorted(head.asked_for or {*head.found, *head.policies})


def stays_for(policy: Policy | None) -> str:
    """Return how long items stay by a policy, in short."""
    if policy is None:
        return "ever: no policy"
    days = f"{policy.rule.days:g} day{'' if policy.rule.days == 1 else 's'}"
    action = "" if policy.rule.action is Action.DELETE else f", then {policy.rule.action}"
    special = f", {count(len(policy.special), 'special rule')}" if policy.special else ""
    return f"{days}{action}{special}" if policy.rule.enabled else f"ever: disabled ({days})"


def _due(plan: Plan, *, everything: bool) -> Iterator[str]:
    some = {} if everything else plan.first(MOST)
    for name, tally in sorted(plan.head.due.items()):
        if not tally.items:
            continue
        yield ""
        yield f"{name}: {count(tally.items, 'item')}, {size(tally.bytes)} due"
        for of in _all_of(plan, name) if everything else some[name]:
            yield f"  {of.item.key}  {size(of.item.bytes)}  {_does(of)}{of.decision.text}"
        if tally.items > MOST and not everything:
            yield f"  … and {tally.items - MOST:,} more (--all lists them)"


def _does(of: PlannedItem) -> str:
    return "" if of.decision.action in (Action.DELETE, None) else f"{of.decision.action}: "


def _all_of(plan: Plan, name: str) -> Iterator[PlannedItem]:
    return (of for of in plan.items() if of.item.data_type == name)


def _kept(head: PlanHead) -> Iterator[str]:
    for name in sorted(head.kept):
        reasons = head.kept[name]
        words = (f"{reasons[reason].items:,} {_WORDS[reason]}" for reason in Reason if reason in reasons)
        yield ""
        yield f"{name}: stay {'; '.join(words)}"


def why_kept(reason: Reason) -> str:
    """Return how items are called that a reason keeps, such as `pinned`."""
    return _WORDS[reason]


def total(tallies: Mapping[str, Tally]) -> Tally:
    """Return the sum of all."""
    return sum(tallies.values(), Tally())


def as_object(head: PlanHead) -> dict[str, Any]:
    """Return what a plan says, but for its items, for programs. Times are ISO 8601, sizes bytes."""
    return {
        "plan": head.id,
        "made": moment_text(head.made),
        "actor": head.asking.actor,
        "cleanup_type": head.asking.cleanup_type,
        "data_types": [
            {
                "data_type": name,
                "found": _tally(head.found.get(name, Tally())),
                "due": _tally(head.due.get(name, Tally())),
                "kept": {reason: _tally(tally) for reason, tally in head.kept.get(name, {}).items()},
                "policy_version": head.policies[name].version if name in head.policies else None,
            }
            for name in _looked_at(head)
        ],
        "refusals": list(head.refusals),
        "problems": list(head.problems),
    }


def item_object(item: Item, decision: Decision) -> dict[str, Any]:
    """Return an item and what was decided of it, for programs."""
    return {
        "data_type": item.data_type,
        "file_path": item.key,
        "group": item.group,
        "file_size": item.bytes,
        "status": item.status,
        "decision": decision.action or "keep",
        "reason": decision.reason,
        "text": decision.text,
        "due": decision.is_due,
        "due_at": None if decision.due is None else moment_text(decision.due),
    }


def explained(item: Item, decision: Decision, policy: Policy | None, now: Moment) -> Iterator[str]:
    """Yield why an item is kept or due, for people."""
    yield item.key
    yield f"  data type  {item.data_type}{f', of {item.group!r}' if item.group else ''}"
    yield f"  size       {size(item.bytes)}"
    if item.status is not None:
        yield f"  status     {item.status}"
    times = {"recorded": item.recorded, "mtime": item.modified, "ctime": item.changed}
    known = [f"{name} {moment_text(time)}" for name, time in times.items() if time is not None]
    yield f"  times      {', '.join(known) or 'none is known'}"
    yield f"  policy     {stays_for(policy)}{'' if policy is None else f' (version {policy.version})'}"
    yield f"  decision   {f'due: {decision.action}' if decision.is_due else 'kept'}: {decision.text}"
    if decision.due is not None and decision.reason not in DUE:
        yield f"  due        {_when(decision.due, now)}"


def _when(due: Moment, now: Moment) -> str:
    return f"{moment_text(due)}, if nothing else keeps it" if due > now else "by its age, but for the above"


def _tally(tally: Tally) -> dict[str, int]:
    return {"items": tally.items, "files": tally.files, "bytes": tally.bytes}
