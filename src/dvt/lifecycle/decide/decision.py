"""The decision on one item. Everything that shows or does something with items asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dvt.core.retention import (
    Action,
    AgeBy,
    CleanupType,
    Decision,
    Hold,
    HoldCode,
    Item,
    Moment,
    Pin,
    Policy,
    Reason,
    Rule,
    Status,
)
from dvt.lifecycle.decide.rules import DAY, SECOND, age_moment, is_named, rule_for
from dvt.lifecycle.decide.survey import Survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What decides on items of one data type, but for the item."""

    policy: Policy | None
    """None: there is none, so nothing is due."""
    survey: Survey
    now: Moment
    pins: Sequence[Pin] = ()
    cleanup_type: CleanupType = CleanupType.MANUAL


def decide(item: Item, circumstances: Circumstances) -> Decision:
    """Return what is to become of an item, and why: the first reason that is true.

    It reads nothing but its arguments. What is not known for certain keeps the item.
    """
    policy = circumstances.policy
    if policy is None:
        return Decision(reason=Reason.NO_POLICY, text=f"there is no policy for {item.data_type}")
    rule = rule_for(item, policy)
    moment = age_moment(item, rule)
    due = None if moment is None else moment + _nanoseconds(rule.days)
    for reason, text in _reasons(item, policy, rule, moment, circumstances):
        return Decision(reason=reason, text=text, due=due)
    assert moment is not None  # noqa: S101  an unknown age is a reason to keep
    return _by_age(item, rule, moment, circumstances)


def _reasons(
    item: Item, policy: Policy, rule: Rule, moment: Moment | None, circumstances: Circumstances
) -> Iterator[tuple[Reason, str]]:
    """Yield all reasons to keep an item that are not its age, in their order."""
    yield from _orders(item, policy, rule, circumstances)
    holds = [*item.holds, *_held_by_status(item)]
    if holds:
        yield Reason.HELD, "; ".join(hold.detail for hold in holds)
    if moment is None:
        yield Reason.AGE_UNKNOWN, "its age is not known"
        return
    if item.status is Status.UNKNOWN:
        yield Reason.STATUS_UNKNOWN, "it does not say how its work ended"
    yield from _early(rule, moment, circumstances)


def _orders(
    item: Item, policy: Policy, rule: Rule, circumstances: Circumstances
) -> Iterator[tuple[Reason, str]]:
    """Yield the reasons that somebody has given."""
    if not rule.enabled:
        yield Reason.DISABLED, f"the policy for {policy.data_type} is disabled"
    for pin in circumstances.pins:
        if (pin.until is None or pin.until > circumstances.now) and _is_pinned(item, pin):
            until = "" if pin.until is None else f" until {_time(pin.until)}"
            yield Reason.PINNED, f"pinned by {pin.by}{until}: {pin.reason}"
    if policy.protect and is_named(item.key, policy.protect):
        yield Reason.PROTECTED, "the policy protects it"


def _early(rule: Rule, moment: Moment, circumstances: Circumstances) -> Iterator[tuple[Reason, str]]:
    age, grace = circumstances.now - moment, round(rule.grace.total_seconds() * SECOND)
    if age < 0:
        yield Reason.IN_THE_FUTURE, f"its time, {_time(moment)}, is in the future"
    if age < grace and circumstances.cleanup_type is not CleanupType.EMERGENCY:
        yield Reason.GRACE, f"{_ago(age)} old, in its grace period of {_ago(grace)}"


def _by_age(item: Item, rule: Rule, moment: Moment, circumstances: Circumstances) -> Decision:
    age, due = circumstances.now - moment, moment + _nanoseconds(rule.days)
    limit = circumstances.survey.fills_up.get(rule)
    if due < circumstances.now:
        reason, text = Reason.OLD, f"{_ago(age)} old{_by(item, rule, moment)}, older than {_days(rule.days)}"
    elif limit is not None and moment <= limit:
        size = rule.max_total_bytes
        reason, text = (
            Reason.TOO_LARGE,
            f"{_ago(age)} old; newer ones fill the {size:,} bytes of max_total_size",
        )
    else:
        text = f"{_ago(age)} old{_by(item, rule, moment)}, stays for {_days(rule.days)}"
        return Decision(reason=Reason.YOUNG, text=text, due=due)
    kept = circumstances.survey.kept.get(item.key)
    if kept is not None:
        return Decision(reason=kept, text=_KEPT[kept](item, rule), due=due)
    action = rule.action
    if action is Action.COMPRESS and item.key.endswith(_COMPRESSED):
        return Decision(reason=Reason.COMPRESSED, text="it is compressed already", due=due)
    if action is Action.QUARANTINE and circumstances.cleanup_type is CleanupType.EMERGENCY:
        action = Action.DELETE  # what waits in a quarantine frees no byte
    days = rule.quarantine_days if action is Action.QUARANTINE else 0
    return Decision(reason=reason, text=text, action=action, due=due, quarantine_days=days)


def _held_by_status(item: Item) -> Iterator[Hold]:
    if item.status is Status.RUNNING and not any(hold.code is HoldCode.RUNNING for hold in item.holds):
        yield Hold(HoldCode.RUNNING, "it says that it is running")


def _is_pinned(item: Item, pin: Pin) -> bool:
    if pin.kind == "tag":
        return any(is_named(tag, [pin.pattern]) for tag in item.tags)
    return is_named(item.group if pin.kind == "pipeline" else item.key, [pin.pattern])


_COMPRESSED = (".gz", ".zst", ".xz", ".bz2", ".zip")
"""Ends of names of compressed files."""
_KEPT: Mapping[Reason, Callable[[Item, Rule], str]] = {
    Reason.MIN_KEEP: lambda item, rule: f"among the newest {rule.min_keep} of {item.group!r} (min_keep)",
    Reason.LAST_SUCCESS: lambda item, _: f"the newest of {item.group!r} that succeeded (min_keep)",
    Reason.KEEP_LAST: lambda item, rule: f"among the newest {rule.keep_last} of {item.group!r} (keep_last)",
    Reason.KEEP_DAILY: lambda item, rule: f"the newest of its day, of {rule.keep_daily} of {item.group!r}",
    Reason.KEEP_WEEKLY: lambda item, rule: f"the newest of its week, of {rule.keep_weekly} of {item.group!r}",
    Reason.KEEP_MONTHLY: lambda item, rule: (
        f"the newest of its month, of {rule.keep_monthly} of {item.group!r}"
    ),
}
"""Reason of a number that keeps items → how it is said."""


def _by(item: Item, rule: Rule, moment: Moment) -> str:
    """Say by which time an item is as young as it is, if not by what it records or when it was written."""
    known = {item.recorded if AgeBy.RECORDED in rule.age_by else None}
    known.add(item.modified if AgeBy.MODIFIED in rule.age_by else None)
    return "" if moment in known else " (its inode was changed then)"


def _nanoseconds(days: float) -> int:
    return round(days * DAY)


def _days(days: float) -> str:
    return f"{days:g} day{'' if days == 1 else 's'}"


def _ago(age: int) -> str:
    for unit, name in ((DAY, "day"), (3600 * SECOND, "hour"), (60 * SECOND, "minute")):
        if age >= unit:
            number = age // unit
            return f"{number} {name}{'' if number == 1 else 's'}"
    return f"{max(age, 0) // SECOND} seconds"


def _time(moment: Moment) -> str:
    try:
        return f"{datetime.fromtimestamp(moment // SECOND, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return "far away"
