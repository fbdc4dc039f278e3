"""What a SELECT would answer in a DuckDB file, and what that depends on."""

from __future__ import annotations

import re
from typing import Any

import duckdb

from dvt.connectors.duckdb.collations import with_collations
from dvt.core.errors import SqlInvalid
from dvt.core.ports.connectors import AnswerRules, DescribedAnswer
from dvt.drivers.duckdb.errors import line_of, sentence
from dvt.drivers.duckdb.types import described

_SETTINGS = (
    "default_collation", "default_null_order", "default_order", "ieee_floating_point_ops", "integer_division",
    "old_implicit_casting", "order_by_non_integer_literal", "scalar_subquery_error_on_multiple_rows",
)  # fmt: skip
"""Settings on which the answer of a SELECT depends, beside the time zone; they are an instance's."""
_OF_THE_SQL = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConversionException,
    duckdb.NotImplementedException,
    duckdb.ParserException,
    duckdb.SyntaxException,
)
"""Errors of a SELECT, not of the file."""
_MACROS = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE NOT internal"


def answer_rules(cursor: Any, time_zone: str) -> AnswerRules:
    """Return what answers depend on; `time_zone` is that of dbt's sessions."""
    names = ", ".join(f"'{name}'" for name in _SETTINGS)
    rows = cursor.execute(f"SELECT name, value FROM duckdb_settings() WHERE name IN ({names})").fetchall()
    fixed = {f"setting {name}": value for name, value in sorted(rows)}
    return AnswerRules(fixed=fixed, settings={"TimeZone": time_zone})


def describe_answer(cursor: Any, sql: str) -> DescribedAnswer:
    """Describe what a SELECT would answer."""
    answer = f"(\n{sql}\n)"
    try:
        types = cursor.execute(f"SELECT * FROM {answer} AS dvt_answer LIMIT 0").description
    except _OF_THE_SQL as error:
        line = line_of(error)
        raise SqlInvalid("duckdb", sentence(error), None if line is None else line - 1) from error
    columns = with_collations(cursor, answer, [described(column[0], column[1]) for column in types])
    macros = [name for (name,) in cursor.execute(_MACROS).fetchall()]
    called = [name for name in macros if re.search(rf"\b{re.escape(name)}\s*\(", sql, re.IGNORECASE)]
    foreign = tuple(f"it calls the macro {name}, which may be another on the target" for name in called)
    return DescribedAnswer(columns=columns, foreign=foreign)
