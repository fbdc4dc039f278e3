"""What a SELECT would answer in a DuckDB file, and what that depends on."""

from __future__ import annotations

import re
from typing import Any

import duckdb

from dvt.connectors.duckdb.collations import with_collations
from dvt.connectors.duckdb.opening import Output
from dvt.core.errors import SqlInvalid
from dvt.core.ports.connectors import AnswerRules, DescribedAnswer
from dvt.drivers.duckdb.errors import line_of, sentence
from dvt.drivers.duckdb.memory import changed_settings
from dvt.drivers.duckdb.sql import settings
from dvt.drivers.duckdb.types import described

_SETTINGS = (
    "default_collation", "default_null_order", "default_order", "ieee_floating_point_ops", "integer_division",
    "old_implicit_casting", "order_by_non_integer_literal", "scalar_subquery_error_on_multiple_rows",
)  # fmt: skip
"""Settings on which the answer of a SELECT depends, beside the time zone; they are an instance's."""
_OTHER_NAMES = frozenset({"null_order"})
"""Other names of such settings."""
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
_TYPES = (
    "SELECT DISTINCT type_name FROM duckdb_types() WHERE NOT internal AND database_name = current_database()"
)


def answer_rules(cursor: Any, time_zone: str) -> AnswerRules:
    """Return what answers depend on; `time_zone` is that of dbt's sessions."""
    fixed = {f"setting {name}": value for name, value in settings(cursor, _SETTINGS).items()}
    return AnswerRules(fixed=fixed, settings={"TimeZone": time_zone})


def own_settings(output: Output) -> tuple[str, ...]:
    """Return the settings in an output's keys that answers depend on, and that are not DuckDB's default."""
    keys = {key.lower(): str(value) for key, value in {**output.config, **output.settings}.items()}
    given = {key: value for key, value in keys.items() if key in _SETTINGS or key in _OTHER_NAMES}
    if not given:
        return ()
    default, own = changed_settings(_SETTINGS, given)
    # ASC and ASCENDING are one value
    return tuple(f"{name} = {value}" for name, value in own.items() if not default[name].startswith(value))


def own_functions(cursor: Any) -> frozenset[str]:
    """Return the names of macros that users have made, in lower case."""
    return frozenset(name.lower() for (name,) in cursor.execute(_MACROS).fetchall())


def describe_answer(cursor: Any, sql: str) -> DescribedAnswer:
    """Describe what a SELECT would answer."""
    answer = f"(\n{sql}\n)"
    try:
        types = cursor.execute(f"SELECT * FROM {answer} AS dvt_answer LIMIT 0").description
    except _OF_THE_SQL as error:
        line = line_of(error)
        raise SqlInvalid("duckdb", sentence(error), None if line is None else line - 1) from error
    columns = with_collations(cursor, answer, [described(column[0], column[1]) for column in types])
    called = [f"calls the macro {name}" for name in _named(cursor, _MACROS, sql, r"\s*\(")]
    named = [f"names the type {name}" for name in _named(cursor, _TYPES, sql, r"\b")]
    foreign = tuple(f"it {does}, which may be another on the target" for does in (*called, *named))
    return DescribedAnswer(columns=columns, foreign=foreign)


def _named(cursor: Any, names: str, sql: str, after: str) -> list[str]:
    """Return the names, as the SELECT `names` lists them, that a text has before what `after` matches."""
    rows = cursor.execute(names).fetchall()
    return [name for (name,) in rows if re.search(rf"\b{re.escape(name)}{after}", sql, re.IGNORECASE)]
