"""Conditions of a model that its target computes: a source may apply those that mean the same everywhere.

The target reads the condition, the engine evaluates its constants, the source applies it: three databases,
of which no two need agree on more than numbers, days and moments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from sqlglot import exp

from dvt.core.queries import NotPushed
from dvt.core.tables import Column
from dvt.core.types import DATE, TIMESTAMP, TIMESTAMPTZ, VARCHAR
from dvt.federation.plan.conditions import column_of, constants_of
from dvt.federation.plan.dialects import language
from dvt.federation.plan.state import PlanState, TableScan, plan_pass
from dvt.federation.plan.values import answer_name

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}) [0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,6})?\Z")
_UTC = "+00:00"
"""Zone of the moments that dbt writes."""
_WHOLE = re.compile(r"\d{1,5}\Z")
_UNITS = frozenset({"YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"})
"""Units of intervals that every database adds to a day or a moment alike."""
_WHY = "only its target can say what it means"


@plan_pass(needs="scans scans.columns", gives="scans.candidates scans.not_pushed")
def keep_certain(state: PlanState) -> None:
    """Keep the conditions whose meaning does not depend on the database.

    Example:
        >>> sql = "SELECT id FROM {orders} WHERE id > 1 + 1 AND total < '5' AND changed >= date '2024-05-01'"
        >>> (scan,) = copy_state_after(keep_certain, sql).scans
        >>> [condition.sql for condition in scan.not_pushed]
        ["total < '5'"]
    """
    for scan in state.scans:
        for candidate in list(scan.candidates):
            if not all(_is_certain(state.dialect, scan, leaf) for leaf in _leaves(candidate.condition)):
                scan.candidates.remove(candidate)
                scan.not_pushed.append(NotPushed(candidate.as_written, _WHY))


def _leaves(condition: exp.Expr) -> Iterator[exp.Expr]:
    inner = condition.unnest()
    if isinstance(inner, exp.And | exp.Or):
        yield from _leaves(inner.left)
        yield from _leaves(inner.right)
    else:
        yield inner


def _is_certain(dialect: str, scan: TableScan, leaf: exp.Expr) -> bool:
    named = column_of(leaf)
    column = scan.columns.get(named.name) if named is not None else None
    inner = leaf.this.unnest() if isinstance(leaf, exp.Not) else leaf
    if column is None or isinstance(inner, exp.Is):
        return column is not None
    constants = constants_of(leaf)
    if "TIMESTAMPTZ" in language(dialect).literal_types and _are_utc(column, constants):
        return True
    if column.stage == VARCHAR and type(inner).__name__ not in language(dialect).bytewise:
        return False
    return all(_suits(column, constant.unnest()) for constant in constants)


def _are_utc(column: Column, constants: Sequence[exp.Expr]) -> bool:
    """True for moments that are written with the zone UTC, as dbt writes the bounds of batches and samples.

    To a database that knows zones they are the same instants, and the same moments without a zone.
    """
    return (
        bool(constants)
        and column.stage in (TIMESTAMP, TIMESTAMPTZ)
        and all(
            isinstance(constant.unnest(), exp.Literal)
            and constant.unnest().is_string
            and constant.name.endswith(_UTC)
            and _is_moment(constant.name.removesuffix(_UTC))
            for constant in constants
        )
    )


def _suits(column: Column, constant: exp.Expr) -> bool:
    """True for a constant that a column is compared with in the column's own type."""
    if isinstance(constant, exp.Literal) and constant.is_string:
        text = constant.name
        return (
            column.stage == VARCHAR
            or (column.stage == DATE and _is_day(text))
            or (column.stage == TIMESTAMP and _is_moment(text))
        )
    if column.stage in (DATE, TIMESTAMP):
        return _is_time(constant)
    return column.stage.is_number and _is_number(constant)


def _is_number(node: exp.Expr) -> bool:
    inner = node.unnest()
    if isinstance(inner, exp.Add | exp.Sub):
        return _is_number(inner.left) and _is_number(inner.right)
    if isinstance(inner, exp.Neg):
        return _is_number(inner.this)
    if isinstance(inner, exp.Coalesce):
        return all(_is_number(part) for part in (inner.this, *inner.expressions))
    return _is_answer(inner) or (isinstance(inner, exp.Literal) and not inner.is_string)


def _is_time(node: exp.Expr) -> bool:
    """True for a day or a moment that is written out, and sums of it and intervals of one unit."""
    inner = node.unnest()
    if isinstance(inner, exp.Add | exp.Sub):
        return _is_time(inner.left) and _is_interval(inner.right)
    if isinstance(inner, exp.Coalesce):
        return all(_is_time(part) or _is_text_of_time(part) for part in (inner.this, *inner.expressions))
    if _is_answer(inner):
        return True
    if not isinstance(inner, exp.Cast) or inner.args.get("format"):
        return False
    if inner.to.is_type(exp.DataType.Type.DATE):
        return isinstance(inner.this, exp.Literal) and _is_day(inner.this.name)
    moment = inner.to.is_type(exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPNTZ)
    return moment and _is_text_of_time(inner.this)


def _is_answer(node: exp.Expr) -> bool:
    """True for the value of a scalar query over the model's own table."""
    return isinstance(node, exp.Cast) and answer_name(node.this) is not None


def _is_text_of_time(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and (_is_day(node.name) or _is_moment(node.name))


def _is_interval(node: exp.Expr) -> bool:
    inner = node.unnest()
    if not isinstance(inner, exp.Interval) or not isinstance(inner.this, exp.Literal):
        return False
    return inner.text("unit").upper().removesuffix("S") in _UNITS and bool(_WHOLE.match(inner.this.name))


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.match(text)) and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    match = _MOMENT.match(text)
    return match is not None and _is_day(match[1])
