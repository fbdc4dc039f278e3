"""What a SELECT would answer, and what that depends on: a temporary view of it, which is rolled back, tells.

A view's columns have types with their sizes and collations, and the catalog knows which functions and
operators of users it calls. What PostgreSQL itself comes with is not in those lists.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg2

from dvt.core.errors import PlaceImpossible, SqlInvalid
from dvt.core.ports.connectors import AnswerRules, DescribedAnswer
from dvt.core.tables import Column
from dvt.core.types import VARCHAR
from dvt.drivers.postgres.catalog import columns_of
from dvt.drivers.postgres.errors import as_dvt_errors
from dvt.drivers.postgres.types import is_built_in

_VIEW = "dvt_answer"
"""Name of the temporary view."""
_CREATE = f"CREATE TEMPORARY VIEW {_VIEW} AS SELECT * FROM (\n"
_SETTINGS = (
    "TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output", "xmlbinary", "xmloption",
    "array_nulls", "backslash_quote", "escape_string_warning", "standard_conforming_strings",
    "transform_null_equals", "lc_monetary", "lc_numeric", "lc_time", "default_text_search_config",
)  # fmt: skip
"""Settings on which the answer of a SELECT depends; every user may set them."""
_RULES = """
SELECT current_setting('server_version_num')::integer / 10000, current_setting('server_encoding'),
    to_jsonb(d)::text
FROM pg_catalog.pg_database d WHERE d.datname = current_database()
"""
"""SQL: the server's version, how it encodes text, and the database's row, which says how text is compared."""
_TEXT_RULES = (
    "datlocprovider", "datcollate", "datctype", "datlocale", "daticulocale", "daticurules", "datcollversion",
)  # fmt: skip
"""Columns of pg_database, in any version, that say how text is compared."""
_FOREIGN = """
SELECT DISTINCT CASE d.refclassid
    WHEN 'pg_catalog.pg_proc'::regclass THEN 'function ' || d.refobjid::regprocedure::text
    ELSE 'operator ' || d.refobjid::regoperator::text END
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
LEFT JOIN pg_catalog.pg_proc p ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.refobjid
LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid
WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.ev_class = pg_catalog.to_regclass(%s)
    AND coalesce(p.pronamespace, o.oprnamespace)::regnamespace::text
        NOT IN ('pg_catalog', 'information_schema')
    AND NOT (
        EXISTS (
            SELECT FROM pg_catalog.pg_depend e
            WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e'
        )
        AND EXISTS (
            SELECT FROM pg_catalog.pg_type t
            JOIN pg_catalog.pg_depend e ON e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid
            WHERE e.deptype = 'e' AND t.typname <> 'citext'
                AND t.oid = ANY (coalesce(p.proargtypes::oid[], ARRAY[o.oprleft, o.oprright]))
        )
    )
ORDER BY 1
"""
"""SQL: functions and operators of users that a view calls, without those of an extension over its own types,
which are the same wherever the type is; citext compares as the database's collation says."""
_NO_VIEW = frozenset({"42501", "25006"})
"""Codes: the user may not make temporary views, or the server is a read-only replica."""
_NAMED_TWICE = "42701"
"""Code: two columns of the view have one name."""
_OF_THE_SQL = ("42", "22", "0A")
"""Classes of codes of errors of a SELECT."""


def answer_rules(name: str, cursor: Any) -> AnswerRules:
    """Return what answers depend on in the session of `cursor`, which is as dbt's are."""
    with as_dvt_errors(name=name, doing="asking for its settings"):
        cursor.execute(_RULES)
        version, encoding, row = cursor.fetchone()
        cursor.execute(
            "SELECT name, current_setting(name, true) FROM unnest(%s::text[]) AS n (name)", (list(_SETTINGS),)
        )
        settings = {setting: value for setting, value in cursor.fetchall() if value is not None}
    database = json.loads(row)
    text = " ".join(str(database[key]) for key in _TEXT_RULES if database.get(key))
    fixed = {"the version": f"PostgreSQL {version}", "the encoding": encoding, "the collation": text}
    return AnswerRules(fixed=fixed, settings=settings)


def describe_answer(name: str, cursor: Any, sql: str, settings: Mapping[str, str]) -> DescribedAnswer:
    """Describe what a SELECT would answer with these settings. Nothing is computed, and nothing stays."""
    doing = "describing an answer"
    with as_dvt_errors(name=name, doing=doing):
        try:
            cursor.execute("BEGIN TRANSACTION READ WRITE")
            for setting, value in settings.items():
                cursor.execute("SELECT pg_catalog.set_config(%s, %s, true)", (setting, value))
            cursor.execute(f"{_CREATE}{sql}\n) AS {_VIEW}")
        except psycopg2.Error as error:
            _refuse(name, error)
            raise
        try:
            cursor.execute("SELECT pg_catalog.pg_my_temp_schema()::regnamespace::text")
            (schema,) = cursor.fetchone()
            columns = columns_of(cursor, schema, _VIEW)
            cursor.execute(_FOREIGN, (f"{schema}.{_VIEW}",))
            foreign = [
                f"it calls {called}, which may be another on the target" for (called,) in cursor.fetchall()
            ]
        finally:
            cursor.execute("ROLLBACK")
    return DescribedAnswer(columns=tuple(map(_of_any_size, columns)), foreign=tuple(foreign))


def _of_any_size(column: Column) -> Column:
    """Return a numeric without sizes as digits, and an array as text, for it may have several dimensions.

    To measure the values would compute the answer twice.
    """
    is_array = column.native.endswith("[]") and is_built_in(column.native)
    if not column.follows_data and not is_array:
        return column
    return replace(
        column,
        native=column.native if is_built_in(column.native) else "numeric",
        stage=VARCHAR,
        read="{0}::text",
        unpack="{0}",
        misfit="",
        follows_data=False,
        as_digits=not is_array,
    )


def _refuse(name: str, error: psycopg2.Error) -> None:
    """Raise dvt's error for a SELECT that the server refuses, or may not describe."""
    code, diagnostics = error.pgcode or "", error.diag
    message = str(diagnostics.message_primary or error).strip()
    if code in _NO_VIEW or "recovery" in message:
        why = f"connection {name!r} tells types by a temporary view: {message}"
        raise PlaceImpossible(
            "a model", "at its source", why, "grant its user TEMPORARY on the database"
        ) from error
    if code.startswith(_OF_THE_SQL):
        hint = SqlInvalid.names_twice if code == _NAMED_TWICE else ""
        raise SqlInvalid("postgres", message, _line(error), hint) from error


def _line(error: psycopg2.Error) -> int | None:
    """Return the line of the SELECT at which the server has found an error."""
    position = error.diag.statement_position
    statement = getattr(error.cursor, "query", None)
    if position is None or not isinstance(statement, bytes):
        return None
    before = statement.decode("utf-8", "replace")[: int(position) - 1]
    return before.count("\n")
