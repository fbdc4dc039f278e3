"""Writes values as literals, for the rows of seeds."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from dvt.dbt_adapters.jdbc.relation import utc_text
from dvt.drivers.jdbc import Product

_TEXTS = ("char", "text", "clob", "string", "varchar")
"""Beginnings of types that take a text as it stands."""


def literal(value: Any, type_: str | None, product: Product) -> str:
    """Write a value as SQL; a text for a column whose type the project names is cast to that type.

    Example:
        >>> from dvt.drivers.jdbc import product
        >>> literal("it's", None, product("jdbc:h2:mem")), literal("7", "integer", product("jdbc:h2:mem"))
        ("'it''s'", "cast('7' as integer)")
    """
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int | float | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, date):  # a datetime is one, too
        return _moment(value, product)
    text = quoted(value.isoformat() if isinstance(value, time) else str(value))
    if type_ is None or type_.strip().lower().startswith(_TEXTS):
        return text
    return f"cast({text} as {type_})"


def _moment(value: date, product: Product) -> str:
    if isinstance(value, datetime):
        return product.timestamp_literal.format(utc_text(value))
    return product.date_literal.format(value.isoformat())


def quoted(text: str) -> str:
    """Write a text as a literal."""
    return "'" + text.replace("'", "''") + "'"
