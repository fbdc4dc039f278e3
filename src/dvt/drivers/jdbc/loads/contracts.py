"""How values are loaded into columns whose types a contract gives: unchanged, or the load stops."""

from __future__ import annotations

from dataclasses import replace

from dvt.core.errors import ValueLost
from dvt.core.types import INTEGERS, Kind, StageType
from dvt.drivers.jdbc.loads.load_types import TEXT, Loads, LoadType
from dvt.drivers.jdbc.products import Product
from dvt.drivers.jdbc.types import JdbcColumn, digits, is_text, mapping, spelled

_LENGTH_HINT = "shorten the value in the model, or give the column a longer type"
_UNBOUNDED = 2**31 - 1
"""Length of a text's type without a length, as drivers have it."""
_INTEGER_NAMES = frozenset({"tinyint", "smallint", "integer", "bigint"})
_TEXT_NAMES = frozenset({"varchar", "char"})
_MICROS, _NANOS = 6, 9
_CLOCKS = {
    **dict.fromkeys((Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ), _MICROS),
    **dict.fromkeys((Kind.TIME_NS, Kind.TIMESTAMP_NS), _NANOS),
    Kind.TIMESTAMP_S: 0,
    Kind.TIMESTAMP_MS: 3,
}
"""Kind → digits of a second that its values may have."""
_LOCAL = frozenset({Kind.TIMESTAMP, Kind.TIMESTAMP_NS})
_READ_AS = {
    Kind.FLOAT: frozenset({Kind.FLOAT, Kind.DOUBLE}),
    **dict.fromkeys((Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS, Kind.TIMESTAMP, Kind.TIMESTAMP_NS), _LOCAL),
    Kind.TIME_NS: frozenset({Kind.TIME}),
}
"""Kind of a staged column → kinds as which a column is read that can hold its values."""


def exact(load_type: LoadType, column: JdbcColumn, where: str) -> LoadType:
    """Return how values are loaded into a contract's column that has dvt's own type, or that without NULLs.

    ValueLost for any other one, where the database would change what its type cannot hold.
    """
    told, native = spelled(column).replace(" ", ""), load_type.native.replace(" ", "")
    if told.lower() == native.lower():
        return load_type
    is_nullable = native.startswith("Nullable(")
    bare = native[len("Nullable(") : -1] if is_nullable else native
    if told.lower() != bare.lower():
        raise _changed(column, bare, where)
    return replace(load_type, native=bare, arrives=f"CAST({load_type.of('{0}')} AS {bare})")


def fitted(load_type: LoadType, type_: StageType, column: JdbcColumn) -> LoadType:
    """Return how texts in statements are loaded into a column whose type a contract gives.

    A text that is too long is refused, not cut. Whole numbers are cast to the column's own type, and the cast
    refuses what that cannot hold.
    """
    native = column.native.partition("(")[0].lower()
    if type_.kind in INTEGERS and native in _INTEGER_NAMES:
        return replace(load_type, native=native, arrives="")
    if type_.kind is Kind.VARCHAR and native in _TEXT_NAMES and 0 < column.precision < _UNBOUNDED:
        why = f", which is longer than the {column.precision} characters of its column"
        return replace(
            load_type, impossible=f"length({{0}}) > {column.precision}", why=why, hint=_LENGTH_HINT
        )
    return load_type


def kept(
    loads: Loads, load_type: LoadType, type_: StageType, column: JdbcColumn, *, product: Product, where: str
) -> LoadType:
    """Return how parameters are loaded into a column whose type a contract gives.

    A database rounds numbers and times to the digits of their column, and may cut blanks: what its type
    cannot hold is refused before. ValueLost for a column of another kind of type.
    """
    if load_type.carrier == TEXT and load_type.arrives == "{0}" and is_text(column):
        return _as_text(load_type, column, is_ascii_alone=column.code in loads.ascii_alone)
    declared = mapping(column, product, where).stage
    if type_.is_number and declared.is_number:
        return _scaled(load_type, type_, declared)
    if declared.kind in (_READ_AS.get(type_.kind, {type_.kind}) | {load_type.reads}):
        return _clocked(load_type, type_, digits(column))
    raise _changed(column, load_type.native, where)


def _as_text(load_type: LoadType, column: JdbcColumn, *, is_ascii_alone: bool) -> LoadType:
    """Return how texts are loaded into others; some databases would make a ? of what a column has not."""
    longest = column.precision if 0 < column.precision < _UNBOUNDED else 0
    load_type = replace(load_type, longest=longest, is_in_bytes=False)
    if not is_ascii_alone:
        return load_type
    beyond = f"strlen({load_type.sent}) <> length({load_type.sent})"
    why = f", and a column of the type {column.native} is sure to hold ASCII alone"
    hint = "give the column a type of Unicode by the contract, such as nvarchar"
    return replace(load_type, impossible=_either(load_type.impossible, beyond), why=why, hint=hint)


def _either(first: str, second: str) -> str:
    return f"{first} OR {second}" if first else second


def _scaled(load_type: LoadType, type_: StageType, declared: StageType) -> LoadType:
    """Return how exact numbers are loaded into others; a database refuses those that are too large."""
    scale = declared.scale or 0
    if scale >= (type_.scale or 0):
        return load_type
    rounded = f"{{0}} <> round({{0}}, {scale})"
    why = f", and its column has {scale} digits after the point"
    return replace(load_type, impossible=_either(load_type.impossible, rounded), why=why)


def _clocked(load_type: LoadType, type_: StageType, held: int) -> LoadType:
    """Return how times are loaded into a column that holds so many digits of a second."""
    sent = _CLOCKS.get(type_.kind, 0)
    if held >= sent:
        return load_type
    count, unit = ("epoch_ns", _NANOS) if sent == _NANOS else ("epoch_us", _MICROS)
    finer = f"{count}({{0}}) % {10 ** (unit - held)} <> 0"
    why = f", and its column has {held} digits of a second"
    return replace(load_type, impossible=_either(load_type.impossible, finer), why=why)


def _changed(column: JdbcColumn, native: str, where: str) -> ValueLost:
    problem = f"the contract has {column.native}, but values arrive unchanged in {native} alone"
    return ValueLost(where, problem, f"give it the data_type {native}, or cast the column in the model")
