"""Which constructs of a translated model are not proven in the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from dvt.core.tables import Table
from dvt.federation.plan.analyse import analyse
from dvt.federation.plan.clock import freeze_clock
from dvt.federation.plan.identifiers import separate_names
from dvt.federation.plan.markers import readable
from dvt.federation.plan.parse import Parsed, find_scans, number_nodes
from dvt.federation.plan.proven.classify import classify
from dvt.federation.plan.proven.keys import UNKNOWN, ClassOf, keys
from dvt.federation.plan.proven.table import ProofTable
from dvt.federation.plan.proven.written import rewritten_words
from dvt.federation.plan.state import NUMBER, SETTLED, PlanContext, PlanState
from dvt.federation.plan.this import query_this_first

_WAY_OUT = "compute the model where its dialect is spoken (`compute: target`), or write it in another way"

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
"""Matches a name that is shown without quotes."""
_MAX_SHOWN = 80
"""Characters of a construct that a message shows."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """A construct of a model of which nobody has proven that the engine answers as the model's dialect."""

    construct: str
    """SQL of the construct as written."""
    line: int | None
    """Line of the compiled SQL; None if it is not known."""
    why: str
    way_out: str = _WAY_OUT


def unproven(parsed: Parsed, tables: Mapping[str, Table], context: PlanContext) -> tuple[Unproven, ...]:
    """Return all that would have to be proven before `context.engine` may compute a model; empty if nothing.

    Args:
        parsed: the model, read.
        tables: the tables of `parsed.inputs`, as described, by unique id.
        context: as for `make_plan`; of the engine, only its dialect is used.
    """
    if parsed.request.dialect == context.engine:
        return ()
    if parsed.problem is not None:
        why = f"nobody can translate it: {parsed.problem.problem}"
        return (Unproven("the SQL", parsed.problem.sql_line, why),)
    return unproven_in(classified(parsed, tables, context))


def classified(parsed: Parsed, tables: Mapping[str, Table], context: PlanContext) -> PlanState:
    """Return the state of a model's plan when its nodes are classified, and nothing more is done."""
    state = PlanState(
        request=parsed.request,
        tables=tables,
        context=context,
        tree=parsed.tree.copy(),
        tokens=parsed.tokens,
        places=parsed.places,
    )
    for plan_pass in (
        find_scans,
        freeze_clock,
        separate_names,
        query_this_first,
        number_nodes,
        analyse,
        classify,
    ):
        plan_pass(state)
    return state


def unproven_in(state: PlanState) -> tuple[Unproven, ...]:
    """Return the unproven constructs of a plan whose nodes are classified."""
    table = state.context.proofs(state.context.engine, state.dialect)
    if table is None:
        return ()
    unknown = dict.fromkeys((*_rewritten(state), *_unlisted(state, table)))
    return tuple(unknown)


def _rewritten(state: PlanState) -> Iterator[Unproven]:
    """Yield what SQLGlot reads otherwise than it is written."""
    for word, line in rewritten_words(state.request.sql, state.tokens, state.dialect):
        yield Unproven(word, line, "SQLGlot, which translates the SQL, reads it otherwise than it is written")


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
        if SETTLED in node.meta or _of_scan(node):
            continue
        for key in keys(node, name):
            if not _is_proven(key, table) and not _is_blamed_on_argument(key, node, name):
                yield Unproven(_shown(state, node), _line(node), _why(key, table))
                break


def _is_proven(key: str, table: ProofTable) -> bool:
    return key in table.results


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


def _shown(state: PlanState, node: exp.Expr) -> str:
    """Return a construct as written, without the tables that the analysis has put before columns."""
    copy = node.copy()
    for column in copy.find_all(exp.Column):
        table = column.args.get("table")
        if table is not None and "line" not in table.meta:
            column.set("table", None)
    for identifier in copy.find_all(exp.Identifier):
        identifier.set("quoted", not _PLAIN_NAME.fullmatch(identifier.name))
    text = readable(copy.sql(state.dialect, comments=False))
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _line(node: exp.Expr) -> int | None:
    """Return the line on which a node, or what is in it, begins."""
    lines = [part.meta["line"] for part in node.walk() if "line" in part.meta]
    return min(lines, default=None)
