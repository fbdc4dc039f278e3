"""Translation from a dialect to an engine's: a status per expression, and how to fix a difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlglot import exp

from dvt.core.types import Kind

Condition = Callable[[exp.Expr], bool]
"""Tells whether an entry applies to an expression."""
Fix = Callable[[exp.Expr], exp.Expr]
"""Returns what an expression is replaced by."""


class Status(StrEnum):
    """How an expression of a dialect answers in the engine, as compared on live databases."""

    VERIFIED = "verified"
    MACRO = "macro"
    """Gives the same answer once it is rewritten."""
    UNVERIFIED = "unverified"
    KNOWN_WRONG = "known-wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of the table: when it applies to an expression, and how that answers in the engine."""

    status: Status
    when: Condition | None = None
    """Condition under which the entry applies; None: always. The first entry that applies is used."""
    fix: Fix | None = None
    why: str = ""
    way_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """How the expressions of one dialect answer in one engine."""

    entries: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    """Entries by SQLGlot's class name, or `name()` for a function it does not know."""
    functions: Status = Status.UNVERIFIED
    """Status of functions without an entry; other expressions without one are verified."""
    finish: Callable[[exp.Expr], None] | None = None
    """Changes the tree within an expression once all fixes are made; None: nothing is left to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDialect:
    """An engine's SQL: how it answers other dialects' expressions."""

    translations: Mapping[str, Translation] = field(default_factory=dict)
    """Translations by the dialect a model is written in."""
    functions: frozenset[str] = frozenset()
    """What every translated statement asks of the engine, beside the functions that it calls."""
    only_proven: bool = False
    """Whether models in a dialect of which nothing is proven are refused, not translated as SQLGlot does."""
    takes_other_hours: bool = False
    """Whether it takes the other one of two hours of one name, where the clocks of a session go back."""
    held: frozenset[Kind] | None = None
    """Kinds of staged columns that a translated model may read; None: all."""
    output_name: Callable[[exp.Expr], str] | None = None
    """Function that names an output without an alias as the engine does; None if that is not known."""

    def translation(self, dialect: str) -> Translation:
        """Return the translation from `dialect`; for an unknown one, no function is verified."""
        return self.translations.get(dialect, Translation())


VERIFIED = (Entry(status=Status.VERIFIED),)
"""Entries of an expression that gives the same answer as it is."""


def verified(names: str) -> dict[str, tuple[Entry, ...]]:
    """Make entries for expressions that give the same answer as they are."""
    return dict.fromkeys(names.split(), VERIFIED)


def macro(fix: Fix, when: Condition | None = None) -> Entry:
    """Make an entry for an expression that is rewritten."""
    return Entry(status=Status.MACRO, fix=fix, when=when)


def wrong(why: str, way_out: str, when: Condition | None = None) -> Entry:
    """Make an entry for an expression that would silently answer differently."""
    return Entry(status=Status.KNOWN_WRONG, why=why, way_out=way_out, when=when)
