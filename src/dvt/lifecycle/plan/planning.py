"""Makes plans: finds, decides, and writes down what is due. Nothing here can delete."""

from __future__ import annotations

import pickle
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import IO, Any, TypeVar

from dvt.core.found import Countable, Counted, Row, Similar
from dvt.core.moments import DAY
from dvt.core.ports.lifecycle import CountingFinder, Finder
from dvt.core.retention import (
    AgeBy,
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
from dvt.lifecycle.decide import (
    Circumstances,
    Survey,
    Surveyor,
    countable,
    countable_by_survey,
    decide,
    has_limit,
)
from dvt.lifecycle.plan.breaker import refusals
from dvt.lifecycle.plan.plan_file import Lines, Plan, PlanWriter, Template
from dvt.lifecycle.plan.second_process import Answer, SecondProcess, may_have_one
from dvt.runs.operations import new_id

_MOST_TEMPLATES = 1000
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
    asked_for: tuple[str, ...] = ()
    """Data types that are looked at; empty: all."""


def make_plan(finders: Sequence[Finder], terms: Terms, writer: PlanWriter) -> Plan:
    """Write down what is due, and the numbers of all that is there.

    Memory does not grow with the number of items: those of which it depends on others what is decided wait in
    a file. A second process looks into half of the folders, if there is one for it.
    """
    own, others = _divided(finders)
    with tempfile.TemporaryFile() as file, ExitStack() as ending:
        waiting = _Waiting(terms, file)
        gathering = _Gathering(terms, writer.lines, waiting.add)
        second = ending.enter_context(SecondProcess(partial(_help, others, terms))) if others else None
        gathering.gather(own)
        if second is not None:
            if second.has_succeeded():
                _take(second.answers(), gathering, waiting, writer)
            else:
                gathering.gather(others)
        waiting.end(gathering.count, writer.lines)
    return writer.finish(_head(own, terms, gathering.count))


def _divided(finders: Sequence[Finder]) -> tuple[Sequence[Finder], Sequence[Finder]]:
    """Return the finders for this process, and those for a second one, if any."""
    if not may_have_one():
        return finders, ()
    own: list[Finder] = []
    others: list[Finder] = []
    for finder in finders:
        halves = finder.halves() if isinstance(finder, CountingFinder) else None
        own.append(halves[0] if halves else finder)
        others += halves[1:] if halves else ()
    return own, others


def _help(finders: Sequence[Finder], terms: Terms, answer: Answer) -> None:
    """Look, in a second process, for what is due."""
    lines = Lines(answer)
    gathering = _Gathering(terms, lines, answer)
    gathering.gather(finders)
    lines.end()
    answer(gathering.count)


def _take(answers: Iterator[Any], gathering: _Gathering, waiting: _Waiting, writer: PlanWriter) -> None:
    for answer in answers:
        if isinstance(answer, bytes):
            writer.add_lines(answer)
        elif isinstance(answer, Item):
            waiting.add(answer)
        else:
            gathering.count.add(answer)


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


class _Gathering:
    """Takes what is found: counts it, and decides on what needs nothing to be known of others."""

    def __init__(self, terms: Terms, lines: Lines, wait: Callable[[Item], None]) -> None:
        """`lines` takes what is due, `wait` items of groups, and of a data type with a largest size."""
        self.count = _Count()
        self._terms, self._lines, self._wait = terms, lines, wait
        self._limited = {name for name, policy in terms.policies.items() if has_limit(policy)}
        self._circumstances: dict[str, Circumstances] = {}
        self._templates: dict[tuple[int, int, AgeBy], Template | None] = {}
        """By number of its example, days of age, and which time is the youngest."""
        self._examples: dict[int, Item] = {}
        """By number; held, so that no other object has that number."""

    def gather(self, finders: Sequence[Finder]) -> None:
        for found in _found(finders, self._terms, self.count):
            if isinstance(found, Similar):
                self._similar(found)
            else:
                self._one(found)
        self._forget_templates()

    def _one(self, item: Item) -> None:
        self.count.found[item.data_type].add(item)
        if item.data_type in self._terms.policies and (item.group or item.data_type in self._limited):
            self._wait(item)
            return
        self.count.decided(item, self._decision(item), self._lines)

    def _decision(self, item: Item) -> Decision:
        of = self._circumstances.get(item.data_type)
        if of is None:
            of = circumstances(item.data_type, self._terms, Survey())
            self._circumstances[item.data_type] = of
        return decide(item, of)

    def _similar(self, found: Similar) -> None:
        """Take many, of which those of one age are decided alike."""
        by_age: dict[tuple[int, AgeBy], list[Row]] = defaultdict(list)
        now, (only, *others) = self._terms.now, found.age_by
        since, after, until, alike = only, 0, 0, list[Row]()
        for row in found.rows:
            _, _, _, _, modified, changed = row
            # Where both count and are the same, it is said to be as old as its content.
            is_of = only if not others else AgeBy.CHANGED if changed > modified else AgeBy.MODIFIED
            moment = changed if is_of is AgeBy.CHANGED else modified
            if is_of is not since or not after < moment <= until:  # most are as old as the one before
                since, days = is_of, (now - moment) // DAY
                after, until = now - (days + 1) * DAY, now - days * DAY
                alike = by_age[days, since]
            alike.append(row)
        for (days, since), rows in by_age.items():
            template = self._template(found, days, since, rows[0])
            if template is None:
                for row in rows:
                    self._one(found.item(row))
                continue
            tally = Tally(items=len(rows), files=len(rows), bytes=sum(map(itemgetter(3), rows)))
            for numbers in (self.count.found, self.count.due):
                numbers[found.example.data_type].add(tally, tally.items)
            template.add(rows)

    def _template(self, found: Similar, days: int, since: AgeBy, row: Row) -> Template | None:
        """Return that of what is similar and of one age; None: there is none."""
        key = (id(found.example), days, since)
        if key not in self._templates:
            if len(self._templates) >= _MOST_TEMPLATES:
                self._forget_templates()
            self._examples[id(found.example)] = found.example
            item = found.item(row)
            decision = self._decision(item)
            # Of less than a day, hours are told.
            is_alike = days > 0 and decision.is_due and decision.due is not None
            planned = PlannedItem(item=item, decision=decision)
            self._templates[key] = (
                Template(planned, found.example.key, found.device, since, self._lines) if is_alike else None
            )
        return self._templates[key]

    def _forget_templates(self) -> None:
        for template in self._templates.values():
            if template is not None:
                template.end()
        self._templates.clear()


class _Waiting:
    """Items on which nothing can be decided before all are known."""

    def __init__(self, terms: Terms, file: IO[bytes]) -> None:
        self._terms, self._file = terms, file
        self._surveyors = {name: Surveyor(policy, terms.now) for name, policy in terms.policies.items()}
        self._pickler = pickle.Pickler(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._pickler.fast = True
        self._number = 0

    def add(self, item: Item) -> None:
        self._surveyors[item.data_type].add(item)
        self._pickler.dump(item)
        self._number += 1

    def end(self, count: _Count, lines: Lines) -> None:
        """Decide on them."""
        known = {
            name: circumstances(name, self._terms, surveyor.survey())
            for name, surveyor in self._surveyors.items()
        }
        self._file.seek(0)
        for _ in range(self._number):
            item = pickle.load(self._file)  # noqa: S301  a file without a name, which was written above
            count.decided(item, decide(item, known[item.data_type]), lines)


class _Count:
    """Numbers of what was found, is due, and is kept for which reason."""

    def __init__(self) -> None:
        self.found: dict[str, _Sum] = defaultdict(_Sum)
        self.due: dict[str, _Sum] = defaultdict(_Sum)
        self.kept: dict[str, dict[Reason, _Sum]] = defaultdict(_sums)

    def decided(self, item: Item, decision: Decision, lines: Lines) -> None:
        """Count an item of which it is known what becomes of it, and write it down if it is due."""
        if decision.is_due:
            self.due[item.data_type].add(item)
            lines.add(PlannedItem(item=item, decision=decision))
        else:
            self.kept[item.data_type][decision.reason].add(item)

    def add(self, other: _Count) -> None:
        """Count what was counted elsewhere."""
        for ours, theirs in ((self.found, other.found), (self.due, other.due)):
            for name, numbers in theirs.items():
                ours[name].add(numbers, numbers.items)
        for name, reasons in other.kept.items():
            for reason, numbers in reasons.items():
                self.kept[name][reason].add(numbers, numbers.items)

    def counted(self, of: Counted) -> None:
        """Count what the finder has counted."""
        self.found[of.data_type].add(of.tally, of.tally.items)
        self.kept[of.data_type][of.reason].add(of.tally, of.tally.items)


class _Sum:
    """A tally that grows."""

    __slots__ = ("bytes", "files", "items")

    def __init__(self) -> None:
        self.items = self.files = self.bytes = 0

    def add(self, of: Item | Tally | _Sum, items: int = 1) -> None:
        self.items += items
        self.files += of.files
        self.bytes += of.bytes

    def tally(self) -> Tally:
        return Tally(items=self.items, files=self.files, bytes=self.bytes)


def _sums() -> dict[Reason, _Sum]:
    return defaultdict(_Sum)


def _found(finders: Sequence[Finder], terms: Terms, count: _Count) -> Iterator[Item | Similar]:
    """Yield what is found, but for items that are only counted."""
    for finder in finders:
        names = finder.data_types
        enough = {name: countable(circumstances(name, terms, Survey())) for name in names}
        for found in _items(finder, terms.now, enough):
            if isinstance(found, Counted):
                count.counted(found)
            else:
                yield found


def _items(
    finder: Finder, now: Moment, countable: Mapping[str, Countable | None]
) -> Iterator[Item | Similar | Counted]:
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
        asked_for=terms.asked_for,
    )
    return replace(head, refusals=(*terms.refusals, *refusals(head)))


def _tallies(of: Mapping[_Key, _Sum]) -> dict[_Key, Tally]:
    return {key: numbers.tally() for key, numbers in of.items()}
