"""Makes plans: finds, decides, and writes down what is due. Nothing here can delete."""

from __future__ import annotations

import pickle
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from dvt.core.ports.lifecycle import CountingFinder, Finder
from dvt.core.retention import (
    Asking,
    Countable,
    Counted,
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
from dvt.lifecycle.decide import Circumstances, Survey, Surveyor, countable, countable_by_survey, decide
from dvt.lifecycle.plan.breaker import refusals
from dvt.lifecycle.plan.plan_file import Plan, PlanWriter
from dvt.runs.operations import new_id

_Key = TypeVar("_Key")


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
    unsurveyed = _Unsurveyed(terms)
    with tempfile.TemporaryFile() as waiting:
        write = pickle.Pickler(waiting, protocol=pickle.HIGHEST_PROTOCOL)
        write.fast = True
        number = 0
        for item in _found(finders, terms, count):
            count.found[item.data_type].add(item)
            surveyor = surveyors.get(item.data_type)
            if surveyor is not None:
                surveyor.add(item)
            decision = unsurveyed.decision(item)
            if not unsurveyed.may_change(item, decision):
                count.decided(item, decision, writer)
            else:
                write.dump(item)
                number += 1
        surveys = {name: surveyor.survey() for name, surveyor in surveyors.items()}
        waiting.seek(0)
        for _ in range(number):
            item = pickle.load(waiting)  # noqa: S301  a file without a name, which was written above
            decision = decide(item, circumstances(item.data_type, terms, surveys[item.data_type]))
            count.decided(item, decision, writer)
    return writer.finish(_head(finders, terms, count))


def survey(finders: Sequence[Finder], terms: Terms) -> Mapping[str, Survey]:
    """Return what must be known of all items of each data type that has a policy."""
    surveyors = {name: Surveyor(policy, terms.now) for name, policy in terms.policies.items()}
    for finder in finders:
        skipped = {
            name: countable_by_survey(terms.policies.get(name), terms.now) for name in finder.data_types
        }
        for item in _items(finder, terms.now, skipped):
            if isinstance(item, Item) and item.data_type in surveyors:
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


class _Unsurveyed:
    """What is decided of items before it is known which are the newest of their groups."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._circumstances: dict[str, Circumstances] = {}
        self._limited: set[str] = set()
        """Data types with a `max_total_size`."""
        for name, policy in terms.policies.items():
            rules = (policy.rule, *(rule for _, rule in policy.special))
            if any(rule.max_total_bytes is not None for rule in rules):
                self._limited.add(name)

    def decision(self, item: Item) -> Decision:
        """Return what is decided of an item as if it were alone."""
        of = self._circumstances.get(item.data_type)
        if of is None:
            of = circumstances(item.data_type, self._terms, Survey())
            self._circumstances[item.data_type] = of
        return decide(item, of)

    def may_change(self, item: Item, decision: Decision) -> bool:
        """Return whether others of its kind may matter: only items of groups are kept by numbers."""
        if decision.is_due:
            return bool(item.group)
        return decision.reason is Reason.YOUNG and item.data_type in self._limited


class _Count:
    """Numbers of what was found, is due, and is kept for which reason."""

    def __init__(self) -> None:
        self.found: dict[str, _Sum] = defaultdict(_Sum)
        self.due: dict[str, _Sum] = defaultdict(_Sum)
        self.kept: dict[str, dict[Reason, _Sum]] = defaultdict(lambda: defaultdict(_Sum))

    def decided(self, item: Item, decision: Decision, writer: PlanWriter) -> None:
        """Count an item of which it is known what becomes of it, and write it down if it is due."""
        if decision.is_due:
            self.due[item.data_type].add(item)
            writer.add(PlannedItem(item=item, decision=decision))
        else:
            self.kept[item.data_type][decision.reason].add(item)

    def counted(self, of: Counted) -> None:
        """Count what the finder has counted."""
        self.found[of.data_type].add(of.tally, of.tally.items)
        self.kept[of.data_type][of.reason].add(of.tally, of.tally.items)


class _Sum:
    """A tally that grows."""

    __slots__ = ("bytes", "files", "items")

    def __init__(self) -> None:
        self.items = self.files = self.bytes = 0

    def add(self, of: Item | Tally, items: int = 1) -> None:
        self.items += items
        self.files += of.files
        self.bytes += of.bytes

    def tally(self) -> Tally:
        return Tally(items=self.items, files=self.files, bytes=self.bytes)


def _found(finders: Sequence[Finder], terms: Terms, count: _Count) -> Iterator[Item]:
    """Yield what is found, but for items that are only counted."""
    for finder in finders:
        names = finder.data_types
        enough = {name: countable(circumstances(name, terms, Survey())) for name in names}
        for found in _items(finder, terms.now, enough):
            if isinstance(found, Item):
                yield found
            else:
                count.counted(found)


def _items(
    finder: Finder, now: Moment, countable: Mapping[str, Countable | None]
) -> Iterator[Item | Counted]:
    if isinstance(finder, CountingFinder):
        return finder.find_or_count(now, {name: of for name, of in countable.items() if of is not None})
    return finder.find(now)


def _head(finders: Sequence[Finder], terms: Terms, count: _Count) -> PlanHead:
    head = PlanHead(
        id=new_id(),
        made=terms.now,
        asking=terms.asking,
        policies=dict(terms.policies),
        roots=tuple(dict.fromkeys(root for finder in finders for root in finder.roots)),
        found=_tallies(count.found),
        due=_tallies(count.due),
        kept={name: _tallies(reasons) for name, reasons in count.kept.items()},
        problems=tuple(str(error) for finder in finders for error in finder.problems),
    )
    return replace(head, refusals=(*terms.refusals, *refusals(head)))


def _tallies(of: Mapping[_Key, _Sum]) -> dict[_Key, Tally]:
    return {key: numbers.tally() for key, numbers in of.items()}
