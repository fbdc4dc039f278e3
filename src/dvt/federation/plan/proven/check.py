"""Which constructs of a translated model are not proven in the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from dvt.federation.plan.dialects import engine_dialect
from dvt.federation.plan.dialects.languages import language
from dvt.federation.plan.markers import readable
from dvt.federation.plan.parse import has_bare_offset
from dvt.federation.plan.proven.classes import class_of_literal
from dvt.federation.plan.proven.keys import keys
from dvt.federation.plan.proven.shapes import UNKNOWN, ClassOf
from dvt.federation.plan.proven.table import ProofTable
from dvt.federation.plan.proven.written import rewritten_words
from dvt.federation.plan.state import NUMBER, PlanState, Unproven

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
"""Matches a name that is shown without quotes."""
_MOMENTS = re.compile(r"timestamptz|(?:literal )?timestamp|(?:literal )?date")
"""Matches classes of moments in a key."""
_FIXED = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu"})
"""Names of zones whose clocks do not change."""
_HOURS = "the compute engine takes another one of two hours of one name, where the clocks of {} go back"
_MAX_SHOWN = 80
"""Characters of a construct that a message shows."""


def unproven_in(state: PlanState) -> tuple[Unproven, ...]:
    """Return the unproven constructs of a plan whose nodes are classified."""
    table = state.context.proofs(state.context.engine, state.dialect)
    if table is None:
        return ()
    unknown = dict.fromkeys((*_rewritten(state), *_unlisted(state, table), *_ignored(state)))
    return tuple(unknown)


def _rewritten(state: PlanState) -> Iterator[Unproven]:
    """Yield what SQLGlot reads otherwise than it is written."""
    for word, line in rewritten_words(state.request.sql, state.tokens, state.dialect):
        yield Unproven(word, line, "SQLGlot, which translates the SQL, reads it otherwise than it is written")


def _ignored(state: PlanState) -> Iterator[Unproven]:
    """Yield what the database ignores in a query within a query, and the engine does not."""
    inner = (query for query in state.tree.find_all(exp.Query) if query is not state.tree)
    for query in inner if language(state.dialect).ignores_bare_offset else ():
        if has_bare_offset(query):
            yield Unproven(
                "OFFSET without LIMIT", line_of(query), "the database ignores it in an inner query"
            )


def class_of(state: PlanState) -> ClassOf:
    """Return a function that gives the name of the class of a node in the tree."""

    def name(node: exp.Expr) -> str:
        while isinstance(node, exp.Paren | exp.Alias):
            node = node.this
        value_type = state.value_types.get(node.meta.get(NUMBER, -1))
        return value_type.name if value_type else UNKNOWN

    return name


def _unlisted(state: PlanState, table: ProofTable) -> Iterator[Unproven]:
    name = class_of(state)
    for node in state.tree.walk():
        if isinstance(node, exp.Literal) and class_of_literal(node) is None:
            yield Unproven(
                node.name, line_of(node), "it is a decimal that the compute engine reads as a double"
            )
        if NUMBER not in node.meta or _of_scan(node):
            continue
        for key in keys(node, name):
            if table.result(key) is None and not _is_blamed_on_argument(key, node, name):
                yield Unproven(shown(state, node), line_of(node), _why(key, table))
                break
            if may_repeat_hours(key) and _takes_other_hours(state):
                yield Unproven(shown(state, node), line_of(node), _HOURS.format(state.context.time_zone))
                break


def may_repeat_hours(key: str) -> bool:
    """Return whether a construct makes a moment with a zone of a time on the clock.

    Example:
        >>> may_repeat_hours("LT(timestamp, timestamptz)"), may_repeat_hours("Extract(YEAR, timestamptz)")
        (True, False)
    """
    classes = set(_MOMENTS.findall(key))
    moves = key.startswith(("Add(", "Sub(")) and "interval" in key
    cuts = key.startswith(("TimestampTrunc(timestamptz", "TimestampTrunc(date"))
    shows = key.startswith(("Cast(timestamptz", "AtTimeZone("))
    return cuts or ("timestamptz" in classes and (len(classes) > 1 or moves) and not shows)


def _takes_other_hours(state: PlanState) -> bool:
    return engine_dialect(state.context.engine).takes_other_hours and state.context.time_zone not in _FIXED


def _is_blamed_on_argument(key: str, node: exp.Expr, name: ClassOf) -> bool:
    """True if a key is unknown for the class of an argument, which is reported itself."""
    inner = [child for child in node.iter_expressions() if isinstance(child, exp.Func | exp.Binary)]
    return UNKNOWN in key and any(name(child) == UNKNOWN for child in inner)


def _of_scan(node: exp.Expr) -> bool:
    """True for a marked table without any clause of its own."""
    return isinstance(node, exp.Table) and not set(node.args) - {"this", "db", "catalog", "alias"}


def _why(key: str, table: ProofTable) -> str:
    difference = table.differs.get(key)
    if difference:
        return f"it is known to differ ({key}): {difference}"
    if UNKNOWN in key:
        return f"the types of its arguments are not known ({key})"
    return f"nobody has proven that the compute engine gives the same values ({key})"


def without_added_tables(node: exp.Expr) -> exp.Expr:
    """Return a copy without the tables that the analysis has put before columns."""
    copy = node.copy()
    for column in copy.find_all(exp.Column):
        table = column.args.get("table")
        if table is not None and "line" not in table.meta:
            column.set("table", None)
    return copy


def shown(state: PlanState, node: exp.Expr) -> str:
    """Return a construct as written, without the tables that the analysis has put before columns."""
    copy = without_added_tables(node)
    for identifier in copy.find_all(exp.Identifier):
        identifier.set("quoted", not _PLAIN_NAME.fullmatch(identifier.name))
    text = readable(copy.sql(state.dialect, comments=False, copy=False))
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def line_of(node: exp.Expr) -> int | None:
    """Return the line on which a node, or what is in it, begins."""
    lines = [part.meta["line"] for part in node.walk() if "line" in part.meta]
    return min(lines, default=None)
