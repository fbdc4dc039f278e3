"""Rules by which a JSON value is a value of a type, in DuckDB's SQL.

DuckDB's reader makes true of 5, and 6 of 5.75.
"""

from __future__ import annotations

from dvt.connectors.files.inference import Texts
from dvt.connectors.files.rules import Reading, is_double
from dvt.connectors.files.texts import TextColumn
from dvt.core.types import INTEGERS, Kind, StageType, UnknownType
from dvt.drivers.duckdb.sql import listed, literal, quoted

_NUMBERS = "('BIGINT', 'UBIGINT', 'DOUBLE')"
"""Types that json_type gives to numbers."""
NESTED = frozenset({Kind.STRUCT, Kind.LIST, Kind.ARRAY, Kind.MAP})
"""Kinds of JSON's objects and arrays."""


def json_texts(name: str) -> Texts:
    """Return the texts of a column of JSON values."""
    written = f"CAST({quoted(name)} AS VARCHAR)"
    return Texts(value=written, number=written, text=_text(written), boolean=written, texts_are_all=False)


def json_column(name: str, type_: str, reading: Reading, *, given: bool) -> TextColumn:
    """Return how a column of JSON values becomes this type."""
    column = quoted(name)
    if type_ == "JSON":
        return TextColumn(name=name, type=type_, raw=column, value=column, checked=False)
    return TextColumn(name=name, type=type_, raw=column, value=_value(column, type_, reading, given=given))


def _value(column: str, type_: str, reading: Reading, *, given: bool) -> str:
    parsed = _parsed(type_)
    if parsed is not None and parsed.kind in NESTED:
        return f"CASE WHEN {_fits(column, parsed, reading, 0)} THEN TRY_CAST({column} AS {type_}) END"
    written = f"CAST({column} AS VARCHAR)"
    if given:
        text = f"coalesce({_text(written)}, {written})"
        return text if type_ == "VARCHAR" else reading.value(text, type_, given=True)
    is_bare = parsed is not None and (parsed.is_number or parsed.is_approximate or type_ == "BOOLEAN")
    text = written if is_bare else _text(written)
    return text if type_ == "VARCHAR" else reading.value(text, type_, given=False)


def _parsed(type_: str) -> StageType | None:
    try:
        return StageType.parse(type_)
    except UnknownType:
        return None


def _text(written: str) -> str:
    """Return SQL of the text that a JSON value is, without quotes and escapes; NULL for other values.

    Values are written by DuckDB, without blanks around them, so that their first character tells what
    they are.
    """
    bare = f"substring({written}, 2, length({written}) - 2)"
    escaped = f"json_extract_string({written}, '$')"
    return (
        f"CASE WHEN starts_with({written}, '\"') THEN"
        f" CASE WHEN contains({written}, '\\') THEN {escaped} ELSE {bare} END END"
    )


def _fits(json: str, type_: StageType, reading: Reading, depth: int) -> str:
    """Return the condition that a JSON value and all its parts are of the type, or NULL."""
    return f"coalesce(json_type({json}) = 'NULL' OR {_is_of(json, type_, reading, depth)}, true)"


def _is_of(json: str, type_: StageType, reading: Reading, depth: int) -> str:
    if type_.kind is Kind.JSON:
        return "true"
    if type_.kind is Kind.STRUCT:
        names = [part.name for part in type_.parts]
        keys = f"json_type({json}) = 'OBJECT' AND list_has_all({listed(names)}, json_keys({json}))"
        parts = [
            _fits(f"json_extract({json}, {literal(_path(part.name))})", part.type, reading, depth)
            for part in type_.parts
        ]
        return f"({' AND '.join([keys, *parts])})"
    if type_.kind in NESTED:
        is_map, item = type_.kind is Kind.MAP, f"x{depth}"
        every = f"json_extract({json}, {literal('$.*' if is_map else '$[*]')})"
        part = _fits(item, type_.parts[-1].type, reading, depth + 1)
        kind = "OBJECT" if is_map else "ARRAY"
        return (
            f"(json_type({json}) = '{kind}'"
            f" AND coalesce(list_bool_and(list_transform({every}, lambda {item}: {part})), true))"
        )
    return _is_scalar(json, type_, reading)


def _is_scalar(json: str, type_: StageType, reading: Reading) -> str:
    if type_.kind is Kind.BOOLEAN:
        return f"json_type({json}) = 'BOOLEAN'"
    if type_.kind is Kind.VARCHAR:
        return f"json_type({json}) = 'VARCHAR'"
    number = f"CAST({json} AS VARCHAR)"
    if type_.kind in INTEGERS or type_.kind is Kind.DECIMAL:
        value = reading.value(number, str(type_), given=True)
        return f"(json_type({json}) IN {_NUMBERS} AND {value} IS NOT NULL)"
    if type_.is_approximate:
        special = f"{number} IN ('NaN', 'Infinity', '-Infinity')"
        return f"(json_type({json}) IN {_NUMBERS} AND ({is_double(number)} OR {special}))"
    text = f"json_extract_string({json}, '$')"
    return f"(json_type({json}) = 'VARCHAR' AND {reading.value(text, str(type_), given=True)} IS NOT NULL)"


def _path(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'
