"""What a SELECT would answer, and what that depends on: a temporary table of no rows tells.

Its columns are those of the table that dbt would make of the SELECT, with sizes, signs and collations. The
cursor's description has no values of enums, no collations, and neither uuid nor inet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from dvt.core.errors import PlaceImpossible, QueryFailed, SqlInvalid
from dvt.core.ports.connectors import AnswerRules, DescribedAnswer
from dvt.core.tables import Column
from dvt.core.types import MAX_DIGITS, VARCHAR
from dvt.drivers.mysql.login import code_of
from dvt.drivers.mysql.names import literal
from dvt.drivers.mysql.side_connection import SideConnection
from dvt.drivers.mysql.types import AS_TEXT, CatalogColumn, map_column

_TABLE = "dvt_answer"
"""Name of the temporary table, and of the SELECT in it."""
_CREATE = (
    f"CREATE TEMPORARY TABLE {_TABLE} AS "
    f"SELECT {_TABLE}.* FROM (SELECT 1) AS dvt LEFT JOIN ({{}}\n) AS {_TABLE} ON TRUE LIMIT 0"
)
"""SQL: makes a table for the answer of a SELECT. By the join its columns may be NULL, and need no defaults:
that of a date is the zero date, which dbt's sessions refuse."""
_DOING = "describing an answer"
_SETTINGS = (
    "sql_mode", "time_zone", "default_regex_flags", "default_week_format", "div_precision_increment",
    "group_concat_max_len", "lc_time_names", "max_recursive_iterations", "max_sort_length", "old_mode",
    "sql_auto_is_null", "standard_compliant_cte",
)  # fmt: skip
"""Settings on which the answer of a SELECT depends, which `SET STATEMENT` can set for it alone."""
_PARSING = frozenset(
    {
        "ANSI_QUOTES", "EMPTY_STRING_IS_NULL", "HIGH_NOT_PRECEDENCE", "IGNORE_SPACE", "NO_BACKSLASH_ESCAPES",
        "ORACLE", "PIPES_AS_CONCAT", "REAL_AS_FLOAT",
    }
)  # fmt: skip
"""Modes by which a text is parsed, which is done before `SET STATEMENT` sets them."""
_FACTS = (
    "SELECT @@collation_connection, @@sql_mode, @@max_allowed_packet, "
    "CONVERT_TZ('2024-07-01', 'UTC', 'Europe/Paris') IS NOT NULL"
)
"""SQL: what no statement can set: the collation of literals, how a text is parsed, the highest number of
bytes of a value, and whether the server knows time zones by name."""
OF_A_SESSION = "SELECT @@collation_connection AS literals, @@sql_mode AS modes"
"""SQL: what the sessions that read differ in from dbt's."""
_FUNCTIONS = (
    "SELECT routine_name FROM information_schema.routines WHERE routine_type IN ('FUNCTION', 'PACKAGE')",
    "SELECT name FROM mysql.func",
)
"""SQL: names of functions that only this server has; the second is for users who may read it."""
_LITERALS, _PARSED = "the collation of literals", "the sql_mode by which SQL is parsed"
_TIMEOUT = 10
"""Seconds that a description may take: MariaDB computes a subquery of constants to describe it."""
_DENIED = frozenset({1044, 1290, 1792, 1836})
"""Codes: the user may not make temporary tables, or the server takes no writes."""
_REFUSED = frozenset({1040, 1142, 1143, 1203, 1205, 1226, 1227, 1317, 1370})
"""Codes: errors of the server or of grants, not of the SELECT."""
_NAMED_TWICE = 1060
"""Code: two columns of the table have one name."""
_INTERRUPTED = 1969
"""Code: `max_statement_time` was reached."""
_LINE = re.compile(r" at line (\d+)\Z")
_SIZES = re.compile(r"(\w+)(?:\((\d+)(?:,(\d+))?\))?")
"""Matches a type's name and its numbers."""


def answer_rules(name: str, side: SideConnection, literals: str, modes: str) -> AnswerRules:
    """Return what answers depend on.

    Args:
        name: the connection's, for errors.
        side: a new connection; it becomes as dbt's are.
        literals: the collation of literals in the sessions that read.
        modes: their sql_mode.
    """
    flavour = side.flavour
    if not flavour.is_mariadb:
        why = (
            f"connection {name!r} is {flavour.name}, and what its answers depend on is known of MariaDB alone"
        )
        raise PlaceImpossible("a model", "at its source", why, "leave the place to dvt (`compute: auto`)")
    side.rows(flavour.session, doing=_DOING)
    ((collation, own_modes, packet, knows_zones),) = side.rows(_FACTS, doing=_DOING)
    known = ", ".join(f"'{setting}'" for setting in _SETTINGS)
    rows = side.rows(
        "SELECT LOWER(variable_name), variable_value FROM information_schema.session_variables "
        f"WHERE variable_name IN ({known})",
        doing=_DOING,
    )
    fixed = {
        "the version": f"MariaDB {flavour.version[0]}.{flavour.version[1]}",
        "max_allowed_packet": str(packet),
        "the list of time zones": "loaded" if knows_zones else "empty",
        _LITERALS: str(collation),
        _PARSED: _parsing(str(own_modes)),
    }
    return AnswerRules(
        fixed=fixed,
        settings=dict(sorted(rows)),
        as_source={_LITERALS: literals, _PARSED: _parsing(modes)},
    )


def _parsing(modes: str) -> str:
    return ",".join(sorted(_PARSING.intersection(modes.split(",")))) or "the usual one"


def describe_answer(
    name: str, side: SideConnection, sql: str, settings: Mapping[str, str]
) -> DescribedAnswer:
    """Describe what a SELECT would answer in a session with these settings."""
    _take_over(side, settings)
    try:
        columns = described_columns(side, sql, _TIMEOUT)
    except QueryFailed as error:
        _refuse(name, error)
        raise
    return DescribedAnswer(
        columns=tuple(_column(column, native, collation) for column, native, collation in columns),
        foreign=tuple(
            f"it calls function {called}, which may be another on the target"
            for called in _functions(side)
            if re.search(rf"(?<!\w)`?{re.escape(called)}`?\s*[(.]", sql, re.IGNORECASE)
        ),
    )


def described_columns(side: SideConnection, sql: str, timeout: int) -> list[tuple[str, str, str | None]]:
    """Return name, type and collation of each column of a table that is made of a SELECT."""
    # A constant date keeps a default through the join: the zero date, which these modes refuse.
    lenient = "REPLACE(REPLACE(@@sql_mode, 'NO_ZERO_DATE', ''), 'NO_ZERO_IN_DATE', '')"
    side.rows(f"SET SESSION max_statement_time = {timeout}, sql_mode = {lenient}", doing=_DOING)
    side.rows(_CREATE.format(sql), doing=_DOING)
    rows = side.rows(f"SHOW FULL COLUMNS FROM {_TABLE}", doing=_DOING)
    return [(str(column), str(native), collation) for column, native, collation, *_ in rows]


def make_as_table(
    side: SideConnection, select: str, settings: Mapping[str, str], mark: str, timeout: float
) -> bool:
    """Make a temporary table of a SELECT in a session with these settings; return whether it has rows.

    Warnings of a statement that only reads are errors of this one. The table goes with the session.
    """
    doing = "computing an answer"
    _take_over(side, settings)
    side.rows(f"/* {mark} */ CREATE TEMPORARY TABLE {_TABLE} AS {select}", doing=doing, timeout=timeout)
    return bool(side.rows(f"SELECT 1 FROM {_TABLE} LIMIT 1", doing=doing))


def _take_over(side: SideConnection, settings: Mapping[str, str]) -> None:
    values = ", ".join(f"{name} = {literal(value)}" for name, value in settings.items())
    if values:
        side.rows(f"SET SESSION {values}", doing=_DOING)


def _functions(side: SideConnection) -> list[str]:
    names: list[str] = []
    for sql in _FUNCTIONS:
        try:
            names += [str(name) for (name,) in side.rows(sql, doing=_DOING)]
        except QueryFailed:  # the table of loaded functions is an administrator's
            break
    return sorted(set(names))


def _column(name: str, native: str, collation: str | None) -> Column:
    """Return a column of the temporary table as it is read; one of many digits as a text of them."""
    sizes = _SIZES.match(native)
    kind, precision, scale = sizes.groups() if sizes else (native, None, None)
    column = map_column(
        CatalogColumn(
            name=name,
            native=native,
            kind=kind.lower(),
            precision=_number(precision),
            scale=_number(scale),
            collation=collation,
        )
    )
    if kind != "decimal" or (_number(precision) or 0) <= MAX_DIGITS:
        return column
    return replace(
        column, stage=VARCHAR, read=AS_TEXT, unpack="{0}", misfit="", loses=None, exact=False, as_digits=True
    )


def _number(digits: str | None) -> int | None:
    return None if digits is None else int(digits)


def _refuse(name: str, error: QueryFailed) -> None:
    """Raise dvt's error for a SELECT that the server refuses, or may not describe."""
    code, message = code_of(error)
    if code in _DENIED:
        why = f"connection {name!r} tells types by a temporary table: {message}"
        way_out = "grant its user CREATE TEMPORARY TABLES on its schema"
        raise PlaceImpossible("a model", "at its source", why, way_out) from error
    if code == _INTERRUPTED:
        why = f"its types are not known after {_TIMEOUT} s: it computes with constants"
        raise PlaceImpossible("a model", "at its source", why, "leave the place to dvt") from error
    if code > 0 and code not in _REFUSED:
        line = _LINE.search(message)
        hint = SqlInvalid.names_twice if code == _NAMED_TWICE else ""
        raise SqlInvalid("mysql", message, int(line[1]) if line else None, hint) from error
