"""Conditions that a source answers exactly as the engine would, and their text in its dialect."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dvt.core.errors import SqlInvalid
from dvt.core.ports.engines import Value
from dvt.core.queries import Need, NotPushed, Sql, ValuePlace, joined, rendered
from dvt.core.requests import Pushdown
from dvt.core.tables import Column
from dvt.core.types import DATE, TIMESTAMP, TIMESTAMPTZ, VARCHAR, StageType, decimal
from dvt.federation.plan.conditions import column_of, constants_of, misreads_intervals
from dvt.federation.plan.data_types import data_type
from dvt.federation.plan.dialects import language
from dvt.federation.plan.state import Candidate, PlanState, TableScan
from dvt.federation.plan.translate import in_engine
from dvt.federation.plan.values import answers_in, with_places, with_samples

_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
"""Matches a number without an exponent."""
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_TIMESTAMP = re.compile(r"^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(?:\+00)?$")
_INSTANT = re.compile(r"^(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?([+-]\d{2}(?::\d{2})?)$")
_DIGITS_OF_A_DOUBLE = 15
"""Digits that a DOUBLE keeps for certain: some databases read a constant with a point as one."""
_MIDNIGHT = "00:00:00"
_NEED = "dvt_need"
"""Meta key of a literal that stands for a value yet to come: name of the need."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A condition in its source's dialect."""

    sql: Sql
    as_written: str


class _NotExact(Exception):
    """A condition is not exact at its source; the message says why."""


def push(state: PlanState) -> dict[int, list[Pushed]]:
    """Return the conditions that each scan's source may apply, by number of the scan.

    The others are noted in the scan's `not_pushed`.
    """
    if state.request.pushdown is not Pushdown.OFF:
        return exact_conditions(state, lambda scan, condition: scan.not_pushed.append(condition))
    for scan in state.scans:
        scan.not_pushed += [
            NotPushed(candidate.as_written, "pushdown is off") for candidate in scan.candidates
        ]
    return {scan.number: [] for scan in state.scans}


def exact_conditions(
    state: PlanState, note: Callable[[TableScan, NotPushed], None] = lambda _scan, _condition: None
) -> dict[int, list[Pushed]]:
    """Return the conditions that are exact at each scan's source, by number of the scan; note the others."""
    candidates = [(scan, candidate) for scan in state.scans for candidate in scan.candidates]
    values = _values(state, candidates)
    exact: dict[int, list[Pushed]] = {scan.number: [] for scan in state.scans}
    for scan, candidate in candidates:
        try:
            condition = _rendered(state, scan, candidate, values)
        except _NotExact as reason:
            note(scan, NotPushed(candidate.as_written, str(reason)))
            continue
        if condition.sql not in [other.sql for other in exact[scan.number]]:
            exact[scan.number].append(condition)
    return exact


def exact_text(state: PlanState, scan: TableScan, candidate: Candidate) -> Sql | None:
    """Return a condition in its source's dialect; None if it would not be exact there."""
    try:
        return _rendered(state, scan, candidate, _values(state, [(scan, candidate)])).sql
    except _NotExact:
        return None


def _values(state: PlanState, candidates: list[tuple[TableScan, Candidate]]) -> dict[str, Value | None]:
    """Evaluate all constants that need the engine, at once; one that waits for an answer gets a sample."""
    constants: dict[str, None] = {}
    values: dict[str, Value | None] = {}
    for scan, candidate in candidates:
        for leaf in _leaves(candidate.condition):
            column = _column(scan, leaf)
            for constant in constants_of(leaf):
                if not column.exact or _plain(column, constant) is not None:
                    continue
                sql = _sampled(state, column, constant)
                if answers_in(constant):
                    values[sql] = _sample(state, sql)
                else:
                    constants[sql] = None
    evaluated = state.context.evaluate(list(constants)) if constants else []
    return values | dict(zip(constants, evaluated, strict=True))


def _sample(state: PlanState, constant: str) -> Value | None:
    """Return some value of a constant's type: whether it can be sent is decided before the value is known."""
    try:
        (output,) = state.context.bind(f"SELECT {constant} AS v", (), ()).columns
    except SqlInvalid:
        return None
    texts = {DATE: "2000-01-01", VARCHAR: "text", TIMESTAMPTZ: "2000-01-01 00:00:00+00"}
    return output.type, texts.get(output.type, "2000-01-01 00:00:00" if output.type.is_timestamp else "1")


def _leaves(condition: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the conditions that AND and OR join."""
    inner = condition.unnest()
    if isinstance(inner, exp.And | exp.Or):
        yield from _leaves(inner.left)
        yield from _leaves(inner.right)
    else:
        yield inner


def _column(scan: TableScan, leaf: exp.Expr) -> Column:
    named = column_of(leaf)
    if named is None or named.name not in scan.columns:
        raise _NotExact("it names a column that is not the table's own")
    return scan.columns[named.name]


def _plain_number(constant: exp.Expr) -> str | None:
    inner = constant.unnest()
    sign = "-" if isinstance(inner, exp.Neg) else ""
    literal = inner.this.unnest() if sign else inner
    if isinstance(literal, exp.Literal) and not literal.is_string and _NUMBER.match(literal.this):
        return sign + str(literal.this)
    return None


def _plain(column: Column, constant: exp.Expr) -> Value | None:
    """Return the value of a constant that needs no engine, else None: lists of such constants may be long."""
    number, inner = _plain_number(constant), constant.unnest()
    if number is not None:
        return _type_of(number), number
    if not isinstance(inner, exp.Literal) or not inner.is_string:
        return None
    if column.stage == DATE and _is_day(inner.this):
        return DATE, str(inner.this)
    return (VARCHAR, str(inner.this)) if column.stage == VARCHAR else None


def _type_of(number: str) -> StageType:
    whole, _, fraction = number.lstrip("-").partition(".")
    return decimal(len(whole) + len(fraction), len(fraction))


def _is_day(text: str) -> bool:
    try:
        return bool(_DATE.match(text)) and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _constant_sql(state: PlanState, column: Column, constant: exp.Expr) -> Sql:
    """Return a constant in the engine's SQL; an untyped string takes the column's type, as it is compared.

    Any constant that is compared with an instant becomes an instant, in the session's time zone.
    """
    sql = in_engine(state, constant)
    inner = constant.unnest()
    untyped = (isinstance(inner, exp.Literal) and inner.is_string) or column.stage == TIMESTAMPTZ
    return joined("CAST(", sql, f" AS {column.stage})") if untyped and column.stage != VARCHAR else sql


def _sampled(state: PlanState, column: Column, constant: exp.Expr) -> str:
    """Return a constant in the engine's SQL, with samples in the place of values yet to come."""
    return rendered(with_samples(_constant_sql(state, column, constant), state.samples, state.context.engine))


def _rendered(
    state: PlanState, scan: TableScan, candidate: Candidate, values: Mapping[str, Value | None]
) -> Pushed:
    """Return a candidate in its source's dialect; raise _NotExact if it is not exact there."""
    if candidate.condition.find(exp.Interval) is not None and misreads_intervals(state.tokens):
        raise _NotExact("an interval of several units is not understood")
    dialect = state.context.dialects[scan.input.table.connection]
    copy = exp.Paren(this=candidate.condition.copy())
    for leaf in list(_leaves(copy)):
        leaf.replace(_leaf(state, scan, dialect, leaf, values))
    built = copy.this
    try:
        sql = str(built.sql(dialect=dialect))
        reread = sqlglot.parse_one(sql, dialect=dialect)
    except SqlglotError as error:
        raise _NotExact("its text does not read back in the source's dialect") from error
    if reread != built:
        raise _NotExact("its text reads back differently in the source's dialect")

    def render(tree: exp.Expr) -> str:
        return sql if tree is built else str(tree.sql(dialect=dialect))

    return Pushed(with_places(built, render, _need_of), candidate.as_written)


def _need_of(node: exp.Expr) -> ValuePlace | None:
    """Return the place of the need that a literal stands for; None for other nodes."""
    name: str | None = node.meta.get(_NEED)
    return None if name is None else ValuePlace(name)


def source_literal(dialect: str, column: Column, value: Value) -> str | None:
    """Return a value as `dialect` writes it in a comparison with a column; None if it cannot be sent."""
    try:
        return str(_literal(column, dialect, value).sql(dialect=dialect))
    except _NotExact:
        return None


def _leaf(
    state: PlanState, scan: TableScan, dialect: str, leaf: exp.Expr, values: Mapping[str, Value | None]
) -> exp.Expr:
    """Return a simple condition over the source's own column and typed literals."""
    column = _column(scan, leaf)
    if not column.exact:
        raise _NotExact(f"{column.name} ({column.native}) may compare differently there")
    if isinstance(leaf.unnest(), exp.Is) and not column.nulls_exact:
        raise _NotExact(f"some values of {column.name} become NULL only here")
    new = leaf.copy()
    named = column_of(new)
    if named is not None:
        named.replace(exp.column(exp.to_identifier(column.name, quoted=True)))
    for old, constant in zip(constants_of(new), constants_of(leaf), strict=True):
        value = _plain(column, constant) or values.get(_sampled(state, column, constant))
        literal, answers = _literal(column, dialect, value), answers_in(constant)
        if answers:
            literal.meta[_NEED] = _need(state, column, constant, answers).name
        old.replace(literal)
    # MySQL may be set to read NOT a IS NULL as (NOT a) IS NULL; a sql_mode in the statement comes too late.
    return exp.Not(this=exp.Paren(this=new.this.unnest())) if isinstance(new, exp.Not) else new


def _need(state: PlanState, column: Column, constant: exp.Expr, answers: tuple[str, ...]) -> Need:
    value = _constant_sql(state, column, constant)
    new = Need(
        name=f"dvt_value_{len(state.needs) + 1}",
        answers=answers,
        value=value,
        column=column,
        time_zone=state.context.time_zone,
    )
    return state.needs.setdefault((value, column), new)


def _literal(column: Column, dialect: str, value: Value | None) -> exp.Expr:
    if value is None:
        raise _NotExact("its constant has no value in the engine")
    type_, text = value
    if text is None:
        raise _NotExact("it compares with NULL")
    types = language(dialect).literal_types
    if column.stage.is_number:
        return _number(type_, text)
    if column.stage == DATE and "DATE" in types:
        return _cast(_date_literal(type_, text), types["DATE"], dialect)
    if column.stage == TIMESTAMP and "TIMESTAMP" in types:
        return _cast(_timestamp_literal(type_, text), types["TIMESTAMP"], dialect)
    if column.stage == TIMESTAMPTZ and "TIMESTAMPTZ" in types:
        return _cast(_instant_literal(type_, text), types["TIMESTAMPTZ"], dialect)
    if column.stage == type_ == VARCHAR and text.isprintable() and "\\" not in text:
        return exp.Literal.string(text)
    raise _NotExact(f"constants of type {type_} cannot be sent for a {column.native}")


def _number(type_: StageType, text: str) -> exp.Expr:
    digits = text.lstrip("-").replace(".", "")
    if not type_.is_number or not _NUMBER.match(text):
        raise _NotExact(f"it compares with a {type_}")
    if "." in text and len(digits) > _DIGITS_OF_A_DOUBLE:
        raise _NotExact("its constant has more digits than every database keeps")
    literal = exp.Literal.number(text.lstrip("-"))
    return exp.Neg(this=literal) if text.startswith("-") else literal


def _date_literal(type_: StageType, text: str) -> str:
    timestamp = _TIMESTAMP.match(text) if type_.is_timestamp else None
    if type_ == DATE and _DATE.match(text):
        return text
    if timestamp is not None and timestamp.group(2) == _MIDNIGHT:
        return timestamp.group(1)
    raise _NotExact(f"it compares a date with a {type_}")


def _timestamp_literal(type_: StageType, text: str) -> str:
    if type_ == DATE and _DATE.match(text):
        return f"{text} {_MIDNIGHT}"
    match = _TIMESTAMP.match(text) if type_.is_timestamp else None
    if match is None:
        raise _NotExact(f"it compares a timestamp with a {type_}")
    return f"{match.group(1)} {match.group(2)}"


def _instant_literal(type_: StageType, text: str) -> str:
    """Return an instant in UTC: sources are read in sessions of UTC."""
    match = _INSTANT.match(text) if type_ == TIMESTAMPTZ else None
    if match is None:
        raise _NotExact(f"it compares an instant with a {type_}")
    hours, _, minutes = match.group(3).partition(":")
    offset = timedelta(hours=abs(int(hours)), minutes=int(minutes or 0))
    try:
        time = datetime.fromisoformat(f"{match.group(1)}.{(match.group(2) or '').ljust(6, '0')}")
        utc = time + offset if hours.startswith("-") else time - offset
    except (ValueError, OverflowError) as error:
        raise _NotExact("its instant is beyond the years 1 to 9999") from error
    return f"{utc:%Y-%m-%d %H:%M:%S.%f}+00"


def _cast(text: str, type_: str, dialect: str) -> exp.Expr:
    return exp.Cast(this=exp.Literal.string(text), to=data_type(type_, dialect))
