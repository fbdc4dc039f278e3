"""The shape of what is known: per expression a status, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlglot import exp

Condition = Callable[[exp.Expr], bool]
Fix = Callable[[exp.Expr], exp.Expr]


class Status(StrEnum):
    """How an expression of a dialect answers in the engine, as found on live databases."""

    VERIFIED = "verified"
    MACRO = "macro"
    """Answers alike once it is rewritten."""
    UNVERIFIED = "unverified"
    KNOWN_WRONG = "known-wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the table: an expression, when the line applies, and how it fares."""

    status: Status
    when: Condition | None = None
    """None: always. The first line that applies is the one that holds."""
    fix: Fix | None = None
    why: str = ""
    way_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One dialect, as the planner knows it."""

    moments: Mapping[str, str] = field(default_factory=dict)
    """Expression → type of the literal it becomes."""
    literal_types: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    """By SQLGlot's class name, or `name()` for a function it does not know."""
    escape: str | None = None
    """What escapes in a pattern of LIKE unless ESCAPE says otherwise; None when that is not known."""
    functions: Status = Status.UNVERIFIED
    """Status of functions without an entry; other expressions without one are verified."""


VERIFIED = (Entry(status=Status.VERIFIED),)


def verified(names: str) -> dict[str, tuple[Entry, ...]]:
    """Entries for expressions that answer alike as they are."""
    return dict.fromkeys(names.split(), VERIFIED)


def macro(fix: Fix, when: Condition | None = None) -> Entry:
    """An entry for an expression that is rewritten."""
    return Entry(status=Status.MACRO, fix=fix, when=when)


def wrong(why: str, way_out: str, when: Condition | None = None) -> Entry:
    """An entry for an expression that would silently answer differently."""
    return Entry(status=Status.KNOWN_WRONG, why=why, way_out=way_out, when=when)


def unverified(why: str = "", when: Condition | None = None) -> Entry:
    """An entry for an expression nobody has compared yet."""
    return Entry(status=Status.UNVERIFIED, why=why, when=when)
