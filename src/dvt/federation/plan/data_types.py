"""SQLGlot's types by their names, each parsed once."""

from __future__ import annotations

from functools import lru_cache

from sqlglot import exp


def data_type(name: str, dialect: str | None = None) -> exp.DataType:
    """Return a type of a dialect, by default SQLGlot's own; the caller may put it into a tree."""
    return _parsed(name, dialect).copy()


@lru_cache(maxsize=10_000)
def _parsed(name: str, dialect: str | None) -> exp.DataType:
    return exp.DataType.build(name, dialect=dialect)
