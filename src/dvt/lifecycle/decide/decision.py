"""The decision on one item. Everything that shows or does something with items asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dvt.core.moments import DAY, SECOND, time_of_moment
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
from dvt.lifecycle.decide.rules import (
    age_moment,
    grace_of,
    is_active,
    is_named,
    rule_for,
    time_of,
)
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
    kept = _ordered(item, policy, rule, circumstances) or _doubtful(item, moment)
    if moment is None or kept is not None:
        due = None if moment is None else moment + time_of(rule)
        reason, text = kept or (Reason.AGE_UNKNOWN, "its age is not known")
        return Decision(reason=reason, text=text, due=due)
    return _by_age(item, rule, moment, circumstances)


_Kept = tuple[Reason, str] | None
"""A reason to keep an item, also in words."""


def _ordered(item: Item, policy: Policy, rule: Rule, circumstances: Circumstances) -> _Kept:
    """Return the first of the reasons that somebody has given."""
    if not rule.enabled:
        return Reason.DISABLED, f"the policy for {policy.data_type} is disabled"
    for pin in circumstances.pins:
        if is_active(pin, circumstances.now) and _is_pinned(item, pin):
            until = "" if pin.until is None else f" until {_time(pin.until)}"
            return Reason.PINNED, f"pinned by {pin.by}{until}: {pin.reason}"
    if policy.protect and is_named(item.key, policy.protect):
        return Reason.PROTECTED, "the policy protects it"
    return None


def _doubtful(item: Item, moment: Moment | None) -> _Kept:
    """Return why it is not known whether an item may go."""
    if item.holds or item.status is Status.RUNNING:
        return Reason.HELD, "; ".join(hold.detail for hold in (*item.holds, *_held_by_status(item)))
    if moment is not None and item.status is Status.UNKNOWN:
        return Reason.STATUS_UNKNOWN, "it does not say how its work ended"
    return None


def _early(rule: Rule, moment: Moment, circumstances: Circumstances) -> _Kept:
    age = circumstances.now - moment
    if age < 0:
        return Reason.IN_THE_FUTURE, f"its time, {_time(moment)}, is in the future"
    grace = grace_of(rule)
    if age < grace and circumstances.cleanup_type is not CleanupType.EMERGENCY:
        return Reason.GRACE, f"{_ago(age)} old, in its grace period of {_ago(grace)}"
    return None


def _by_age(item: Item, rule: Rule, moment: Moment, circumstances: Circumstances) -> Decision:
    age, due = circumstances.now - moment, moment + time_of(rule)
    early = _early(rule, moment, circumstances)
    if early is not None:
        return Decision(reason=early[0], text=early[1], due=due)
    limit = None if rule.max_total_bytes is None else circumstances.survey.fills_up.get(rule)
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
    is_recorded = moment == item.recorded and AgeBy.RECORDED in rule.age_by
    is_known = is_recorded or (moment == item.modified and AgeBy.MODIFIED in rule.age_by)
    return "" if is_known else " (its inode was changed then)"


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
        return f"{time_of_moment(moment):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return "far away"
