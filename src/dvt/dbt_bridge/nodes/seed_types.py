"""Gives a seed's columns the types that dbt's adapter gives them, or those of `column_types`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import agate
from dbt_common.clients.agate_helper import Integer, Number
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dvt.core import types
from dvt.core.seeds import SeedFacts, SeedKind, SeedType
from dvt.core.types import StageType
from dvt.dbt_bridge.jinja.relations import normalized
from dvt.dbt_bridge.outputs import dialects

_T = exp.DataType.Type
_STAGES: Mapping[Any, StageType] = {
    _T.BOOLEAN: types.BOOLEAN,
    _T.TINYINT: types.TINYINT,
    _T.SMALLINT: types.SMALLINT,
    _T.INT: types.INTEGER,
    _T.BIGINT: types.BIGINT,
    _T.UTINYINT: types.UTINYINT,
    _T.USMALLINT: types.USMALLINT,
    _T.UINT: types.UINTEGER,
    _T.UBIGINT: types.UBIGINT,
    _T.DOUBLE: types.DOUBLE,
    _T.DATE: types.DATE,
    _T.TIME: types.TIME,
    _T.TIMESTAMP: types.TIMESTAMP,
    _T.TIMESTAMPNTZ: types.TIMESTAMP,
    _T.DATETIME: types.TIMESTAMP,
}
"""Types whose cells dvt converts; the target converts the texts of all others."""
_TEXTS = frozenset({_T.VARCHAR, _T.NVARCHAR})
_ZONED = ("timestamptz", "with time zone")
"""Parts of the name of a type whose values are instants, and whose cells need a zone."""
_AGATE: Mapping[SeedKind, Any] = {
    SeedKind.NUMBER: Number,
    SeedKind.DATE: agate.Date,
    SeedKind.TIMESTAMP: agate.DateTime,
    SeedKind.BOOLEAN: agate.Boolean,
    SeedKind.TEXT: agate.Text,
    SeedKind.TYPED: agate.Text,
}
"""Kind of a column → the type that dbt has for it."""


class Counted:
    """Stands in for the rows of a table: it knows how many there are."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def values(self) -> tuple[Any, ...]:
        """Return no rows, where dbt would keep a second copy of all of them."""
        return ()


class SeedTable:
    """Stands in for the table of all cells that dbt holds in memory: names, types, the number of rows."""

    def __init__(self, facts: SeedFacts) -> None:
        self._types = _sketch(facts)
        self._shown = _sample(facts)
        self.column_names = self._types.column_names
        self.column_types = self._types.column_types
        self.rows = Counted(facts.rows)

    def aggregate(self, aggregations: Any) -> Any:
        """Return what agate finds out about a column that has the longest and the most precise cells."""
        return self._types.aggregate(aggregations)

    @property
    def columns(self) -> Any:
        """The columns, with one cell each."""
        return self._types.columns

    def order_by(self, key: Any) -> Any:
        """Return the sample in another order: what `dbt seed --show` prints."""
        return self._shown.order_by(key)


def seed_types(facts: SeedFacts, node: Any, adapter: Any) -> list[SeedType]:
    """Return the types of a seed's columns on its target.

    A column that has its type from the file gets a text's: the connector has the target's type for it.
    """
    table, given = SeedTable(facts), node.config.column_types or {}
    dialect = dialects.of_type(adapter.type())
    quoting = node.config.quote_columns
    found: list[SeedType] = []
    for place, column in enumerate(facts.columns):
        native = str(given.get(column.name) or adapter.convert_type(table, place))
        stage, length = _staged(native, dialect)
        found.append(
            SeedType(
                name=normalized(column.name, quote=quoting is not False, dialect=dialect) or column.name,
                quoted=adapter.quote_seed_column(column.name, quoting),
                native=native,
                stage=stage,
                is_given=column.name in given,
                length=length,
            )
        )
    return found


def _staged(native: str, dialect: str) -> tuple[StageType | None, int | None]:
    """Return a target's type in staging, None if only the target converts to it, and a text's length."""
    try:
        kind = exp.DataType.build(native, dialect=dialect)
    except (SqlglotError, ValueError):
        return None, None
    if kind.this in _TEXTS and kind.expressions:
        length = str(kind.expressions[0])
        return None, int(length) if length.isdigit() else None
    sizes = [int(str(size)) for size in kind.expressions if str(size).isdigit()]
    if kind.this is _T.DECIMAL and len(sizes) > 0 and sizes[0] <= types.MAX_DIGITS:
        return types.decimal(sizes[0], sizes[1] if len(sizes) > 1 else 0), None
    if kind.this is _T.TIMESTAMPTZ and any(part in native.lower() for part in _ZONED):
        return types.TIMESTAMPTZ, None
    return _STAGES.get(kind.this), None


def _sketch(facts: SeedFacts) -> Any:
    """Return a table of one row that has, for dbt's adapter, the types of the whole file."""
    cells: list[Any] = []
    kinds: list[Any] = []
    for column in facts.columns:
        kinds.append(Integer() if not facts.rows else _AGATE[column.kind]())
        is_fraction = column.stage.is_approximate
        number = Decimal("0.5") if is_fraction else Decimal(1)
        cells.append({SeedKind.NUMBER: number, SeedKind.TEXT: "x" * column.longest}.get(column.kind))
    names = [column.name for column in facts.columns]
    return agate.Table([cells if facts.rows else [None] * len(cells)], names, kinds)


def _sample(facts: SeedFacts) -> Any:
    names = [column.name for column in facts.columns]
    return agate.Table(facts.sample, names, [agate.Text(cast_nulls=False) for _ in names])
