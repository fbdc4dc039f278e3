"""Values of `{{ this }}` for a model that its source computes: its target is asked for them first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlglot import Token, TokenType, exp

from dvt.core.queries import Need, SourceQuery, Sql, ValuePlace, joined
from dvt.core.tables import Column
from dvt.core.types import DATE, TIMESTAMP, TIMESTAMPTZ
from dvt.federation.plan.dialects.languages import language
from dvt.federation.plan.sql_types import sql_type
from dvt.federation.plan.state import PlanState, TableScan
from dvt.federation.plan.this import eligible_filters, extreme_of, span, value_query
from dvt.federation.plan.values import ANSWER

_FUNCTIONS = frozenset({"max", "min"})
"""Aggregates whose value can be written in place of their call: it has the column's type."""
_TYPES = frozenset({DATE, TIMESTAMP, TIMESTAMPTZ})
"""Types beside those of numbers whose values every database of a kind reads alike, and compares alike."""
_CONDITIONS = (exp.Where, exp.Having, exp.Join)
"""Clauses that choose rows."""


@dataclass(frozen=True, slots=True)
class ThisValues:
    """The values of its own table that a model's text needs."""

    changes: tuple[tuple[int, int, Sql], ...] = ()
    """Start and end in the SQL, and the text that stands there instead, with places for the values."""
    needs: tuple[Need, ...] = ()
    queries: tuple[SourceQuery, ...] = ()
    """The queries for the values, to the target."""


def values_of_this(state: PlanState) -> ThisValues | None:
    """Return the values of `{{ this }}` in a text; None if the text needs more of it than single values.

    Example: of `(SELECT coalesce(max(id), 0) FROM this)` is left `(SELECT coalesce(CAST($n AS INT), 0) )`.
    """
    found = [_value(state, scan, number) for number, scan in enumerate(_scans_of_this(state), start=1)]
    values = [value for value in found if value is not None]
    if len(values) < len(found):
        return None
    changes, needs, queries = zip(*values, strict=True) if values else ((), (), ())
    return ThisValues(changes, needs, queries)


def _scans_of_this(state: PlanState) -> Iterator[TableScan]:
    return (scan for scan in state.scans if scan.input.this)


def _value(
    state: PlanState, scan: TableScan, number: int
) -> tuple[tuple[int, int, Sql], Need, SourceQuery] | None:
    subquery = scan.node.find_ancestor(exp.Subquery)
    where = eligible_filters(state, scan, subquery)
    if subquery is None or where is None or _names_an_output(subquery):
        return None
    (aggregate, *others) = subquery.this.expressions[0].find_all(exp.AggFunc)
    column = None if others else extreme_of(scan, aggregate)
    if column is None or column.follows_data or not (column.stage.is_number or column.stage in _TYPES):
        return None
    type_ = _cast_type(state, subquery, column)
    if type_ is None:
        return None
    query = value_query(state, scan, f"{ANSWER}{number}", column, where)
    need = _need(state, f"dvt_value_{number}", query, column)
    change = _change(state, scan, joined("CAST(", ValuePlace(need.name), f" AS {type_})"))
    return None if change is None else (change, need, query)


def _need(state: PlanState, name: str, query: SourceQuery, column: Column) -> Need:
    """Return the value of a query.

    An instant is a time in UTC for a dialect that has no literals of instants: its sessions are in UTC.
    """
    value = joined("CAST(", ValuePlace(query.alias), f" AS {_type(column, state.context.engine)})")
    is_instant = column.stage == TIMESTAMPTZ and "TIMESTAMPTZ" not in language(state.dialect).literal_types
    return Need(
        name=name,
        answers=(query.alias,),
        value=joined("CAST(", value, f" AS {TIMESTAMP})") if is_instant else value,
        column=replace(column, stage=TIMESTAMP) if is_instant else column,
        time_zone="UTC" if is_instant else state.context.time_zone,
        is_always_sent=True,
    )


def _cast_type(state: PlanState, subquery: exp.Subquery, column: Column) -> str | None:
    """Return the type in which a value stands for its aggregate; None where another type could be seen."""
    facts = language(state.dialect)
    if facts.casts_to_any_type:
        return _type(column, state.dialect)
    if not _is_in_a_condition(subquery):
        return None
    matches = (
        (re.fullmatch(pattern, column.native), type_) for pattern, type_ in facts.casts_in_conditions.items()
    )
    return next((match.expand(type_) for match, type_ in matches if match), None)


def _is_in_a_condition(subquery: exp.Subquery) -> bool:
    """Return whether a subquery stands where only the rows depend on it, and no type."""
    return isinstance(subquery.find_ancestor(exp.Where, exp.Having, exp.Join, exp.Select), _CONDITIONS)


def _names_an_output(subquery: exp.Subquery) -> bool:
    """Return whether the database makes up the name of an output from the subquery's text."""
    node: exp.Expr = subquery
    while node.parent is not None and not isinstance(node.parent, exp.Select):
        node = node.parent
    return node.arg_key == "expressions" and not isinstance(node, exp.Alias)


def _type(column: Column, dialect: str) -> str:
    return str(sql_type(column.stage).sql(dialect=dialect))


def _change(state: PlanState, scan: TableScan, value: Sql) -> tuple[int, int, Sql] | None:
    """Return the subquery's place, and its text with the value for its aggregate, and without its FROM."""
    start, end = span(state, scan)
    tokens = [token for token in state.tokens if start < token.start < end - 1]
    from_ = next(
        (token for token in _outside_of_brackets(tokens) if token.token_type is TokenType.FROM), None
    )
    calls = list(_calls(tokens))
    if from_ is None or len(calls) != 1 or calls[0][0] > from_.start:
        return None
    sql, (call_start, call_end) = state.request.sql, calls[0]
    return start, end, joined(sql[start:call_start], value, sql[call_end : from_.start], ")")


def _outside_of_brackets(tokens: Sequence[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        if depth == 0:
            yield token


def _calls(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each call of an aggregate."""
    for number, token in enumerate(tokens):
        rest = tokens[number + 1 :]
        is_call = bool(rest) and rest[0].token_type is TokenType.L_PAREN
        if is_call and token.text.casefold() in _FUNCTIONS:
            closing = next(other for other in rest if other.token_type is TokenType.R_PAREN)
            yield token.start, closing.end + 1
