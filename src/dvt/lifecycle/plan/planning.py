"""Makes plans: finds, decides, and writes down what is due. Nothing here can delete."""

from __future__ import annotations

import pickle
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dvt.core.ports.lifecycle import Finder
from dvt.core.retention import (
    Asking,
    Decision,
    Item,
    Moment,
    Pin,
    PlanHead,
    PlannedItem,
    Policy,
    Reason,
    Tally,
)
from dvt.lifecycle.decide import Circumstances, Survey, Surveyor, decide
from dvt.lifecycle.plan.breaker import refusals
from dvt.lifecycle.plan.plan_file import Plan, PlanWriter
from dvt.runs.operations import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a plan is made by, beside what is there."""

    policies: Mapping[str, Policy]
    """By data type. What has none is never due."""
    pins: Sequence[Pin]
    now: Moment
    asking: Asking
    refusals: tuple[str, ...] = ()
    """Why no automatic run may be at all, such as a clock that is wrong."""


def make_plan(finders: Sequence[Finder], terms: Terms, writer: PlanWriter) -> Plan:
    """Write down what is due, and the numbers of all that is there.

    Memory does not grow with the number of items: those that may be due, before it is known which are the
    newest of their groups, wait in a file.
    """
    count = _Count()
    surveyors = {name: Surveyor(policy, terms.now) for name, policy in terms.policies.items()}
    with tempfile.TemporaryFile() as waiting:
        write = pickle.Pickler(waiting, protocol=pickle.HIGHEST_PROTOCOL)
        write.fast = True
        number = 0
        for item in _all(finders, terms.now):
            count.found[item.data_type] += _tally(item)
            if item.data_type in surveyors:
                surveyors[item.data_type].add(item)
            decision = decide(item, circumstances(item.data_type, terms, Survey()))
            if decision.is_due or _may_be_too_large(decision, terms.policies.get(item.data_type)):
                write.dump(item)
                number += 1
            else:
                count.keep(item, decision)
        surveys = {name: surveyor.survey() for name, surveyor in surveyors.items()}
        waiting.seek(0)
        for _ in range(number):
            item = pickle.load(waiting)  # noqa: S301  a file without a name, which was written above
            decision = decide(item, circumstances(item.data_type, terms, surveys[item.data_type]))
            if decision.is_due:
                count.due[item.data_type] += _tally(item)
                writer.add(PlannedItem(item=item, decision=decision))
            else:
                count.keep(item, decision)
    return writer.finish(_head(finders, terms, count))


def survey(finders: Sequence[Finder], terms: Terms) -> Mapping[str, Survey]:
    """Return what must be known of all items of each data type that has a policy."""
    surveyors = {name: Surveyor(policy, terms.now) for name, policy in terms.policies.items()}
    for item in _all(finders, terms.now):
        if item.data_type in surveyors:
            surveyors[item.data_type].add(item)
    return {name: surveyor.survey() for name, surveyor in surveyors.items()}


def circumstances(data_type: str, terms: Terms, survey: Survey) -> Circumstances:
    """Return what decides on items of a data type."""
    return Circumstances(
        policy=terms.policies.get(data_type),
        survey=survey,
        now=terms.now,
        pins=terms.pins,
        cleanup_type=terms.asking.cleanup_type,
    )


class _Count:
    """Numbers of what was found, is due, and is kept for which reason."""

    def __init__(self) -> None:
        self.found: dict[str, Tally] = defaultdict(Tally)
        self.due: dict[str, Tally] = defaultdict(Tally)
        self.kept: dict[str, dict[Reason, Tally]] = defaultdict(lambda: defaultdict(Tally))

    def keep(self, item: Item, decision: Decision) -> None:
        self.kept[item.data_type][decision.reason] += _tally(item)


def _all(finders: Sequence[Finder], now: Moment) -> Iterator[Item]:
    for finder in finders:
        yield from finder.find(now)


def _may_be_too_large(decision: Decision, policy: Policy | None) -> bool:
    if policy is None or decision.reason is not Reason.YOUNG:
        return False
    rules = (policy.rule, *(rule for _, rule in policy.special))
    return any(rule.max_total_bytes is not None for rule in rules)


def _tally(item: Item) -> Tally:
    return Tally(items=1, files=item.files, bytes=item.bytes)


def _head(finders: Sequence[Finder], terms: Terms, count: _Count) -> PlanHead:
    head = PlanHead(
        id=new_id(),
        made=terms.now,
        asking=terms.asking,
        policies=dict(terms.policies),
        roots=tuple(dict.fromkeys(root for finder in finders for root in finder.roots)),
        found=dict(count.found),
        due=dict(count.due),
        kept={name: dict(reasons) for name, reasons in count.kept.items()},
        problems=tuple(str(error) for finder in finders for error in finder.problems),
    )
    return replace(head, refusals=(*terms.refusals, *refusals(head)))
