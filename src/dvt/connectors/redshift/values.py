"""Writes rows as the VALUES of an INSERT, in DuckDB: no value becomes a Python object of its own."""

from __future__ import annotations

from collections.abc import Sequence

from dvt.core.types import Kind
from dvt.drivers.duckdb.sql import literal as duckdb_literal
from dvt.drivers.redshift import LoadEncoding

_TEXT = r"'''' || replace(replace(CAST({0} AS VARCHAR), '\', '\\'), '''', '''''') || ''''"
"""DuckDB SQL: a value as a text literal of Redshift's."""
_DOUBLE = "replace(CAST({0} AS VARCHAR), 'inf', 'Infinity')"
"""DuckDB SQL: a double as a text that Redshift reads."""
_APPROXIMATE = frozenset({Kind.FLOAT, Kind.DOUBLE})


def values_of(encodings: Sequence[LoadEncoding]) -> str:
    """Return DuckDB's SQL of a row `(…)` of columns named c0, c1 and so on."""
    values = ", ".join(
        f"coalesce({_value(encoding, f'c{n}')}, 'NULL')" for n, encoding in enumerate(encodings)
    )
    return f"'(' || concat_ws(', ', {values}) || ')'"


def _value(encoding: LoadEncoding, column: str) -> str:
    """Return DuckDB's SQL of one value; NULL for NULL.

    A text for a column of texts gets no cast: a cast cuts off what is too long, and an INSERT refuses it.
    """
    is_approximate = encoding.sent.kind in _APPROXIMATE
    text = _TEXT.format(_DOUBLE.format(column) if is_approximate else column)
    if encoding.arrives:
        before, after = encoding.arrives.split("{0}")
        return f"{duckdb_literal(before)} || {text} || {duckdb_literal(after)}"
    if encoding.native.startswith("varchar"):
        return text
    return f"'CAST(' || {text} || {duckdb_literal(f' AS {encoding.native})')}"
