"""Types of the toy engine: in Parquet, in SQLite, and of a SELECT's outputs, which SQLite does not know."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from dvt.core.errors import ValueLost
from dvt.core.plan import TransformTable
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, BOOLEAN, DATE, DOUBLE, INTEGER, SMALLINT, TINYINT, VARCHAR, Kind, StageType

_DIALECT = "sqlite"


@dataclass(frozen=True, slots=True)
class ToyType:
    """How one type is held."""

    arrow: Any
    """The type in Parquet."""
    affinity: str
    """The type of a column in SQLite."""


TYPES: Mapping[StageType, ToyType] = {
    BOOLEAN: ToyType(pa.bool_(), "INTEGER"),
    TINYINT: ToyType(pa.int8(), "INTEGER"),
    SMALLINT: ToyType(pa.int16(), "INTEGER"),
    INTEGER: ToyType(pa.int32(), "INTEGER"),
    BIGINT: ToyType(pa.int64(), "INTEGER"),
    DOUBLE: ToyType(pa.float64(), "REAL"),
    VARCHAR: ToyType(pa.string(), "TEXT"),
    DATE: ToyType(pa.date32(), "TEXT"),
}
"""What the toy engine holds."""

_FROM_SQLGLOT: Mapping[exp.DType, StageType] = {
    exp.DType.BOOLEAN: BOOLEAN,
    exp.DType.TINYINT: TINYINT,
    exp.DType.SMALLINT: SMALLINT,
    exp.DType.INT: INTEGER,
    exp.DType.BIGINT: BIGINT,
    exp.DType.FLOAT: DOUBLE,  # REAL, which SQLite holds in 8 bytes
    exp.DType.DOUBLE: DOUBLE,
    exp.DType.TEXT: VARCHAR,
    exp.DType.VARCHAR: VARCHAR,
    exp.DType.DATE: DATE,
    exp.DType.NULL: StageType(Kind.NULL),
}


class UntypedOutput(Exception):
    """Nothing says of which type an output is, or it is of one that the toy does not hold."""


def output_types(sql: str, tables: Mapping[str, TransformTable]) -> list[StageType]:
    """Types of a SELECT's outputs, from those of its tables' columns and from its casts; tables by schema."""
    schema: dict[str, object] = {
        name: {f'"{table.name}"': {f'"{column.name}"': str(column.type) for column in table.columns}}
        for name, table in tables.items()
    }
    try:
        tree = qualify(parse_one(sql, dialect=_DIALECT), schema=schema, dialect=_DIALECT)
        typed = annotate_types(tree, schema=schema, dialect=_DIALECT)
    except SqlglotError as error:
        raise UntypedOutput(str(error)) from error
    if not isinstance(typed, exp.Query):
        raise UntypedOutput("it is no SELECT")
    return [_output_type(output) for output in typed.selects]


def _output_type(output: exp.Expr) -> StageType:
    value = output.unalias()
    kind = value.type.this if value.type is not None else exp.DType.UNKNOWN
    type_ = _FROM_SQLGLOT.get(kind)
    if type_ is None:
        problem = f"the toy engine cannot tell the type of {output.sql(_DIALECT)}: CAST it"
        raise UntypedOutput(problem)
    # SQLite computes whole numbers in 8 bytes, and casts to INTEGER to them.
    return BIGINT if type_.is_integer and not isinstance(value, exp.Column) else type_


def to_sqlite(value: Any) -> Any:
    """A value of Parquet as SQLite holds it; ValueLost for NaN, which it would take for NULL."""
    if isinstance(value, float) and math.isnan(value):
        raise ValueLost("a staged column", "SQLite has no NaN", "leave it out in the model")
    return value.isoformat() if isinstance(value, dt.date) else value


def from_sqlite(column: StageColumn, values: list[Any]) -> Any:
    """A column of an answer as Parquet holds it; ValueLost where one is not of the column's type."""
    try:
        return pa.array([_exact(column.type, value) for value in values], TYPES[column.type].arrow)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueLost(f"output column {column.name}", str(error), "cast it in the model") from error


def as_text(type_: StageType, value: Any) -> str | None:
    """A value of SQLite as a text that can be cast to the type."""
    if value is None:
        return None
    return str(bool(value)).lower() if type_ == BOOLEAN else str(value)


def _exact(type_: StageType, value: Any) -> Any:
    """A value that SQLite gave for a column of this type, which it does not hold it to."""
    if value is None:
        return None
    if type_ == BOOLEAN:
        return _boolean(value)
    if type_ == DATE:
        return dt.date.fromisoformat(value)
    return value


def _boolean(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueError(f"{value!r} is neither true nor false")
    return bool(value)
