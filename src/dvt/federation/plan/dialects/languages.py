"""Dialects by themselves, whatever engine computes: clock, literals, patterns, names of outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dvt.federation.plan.dialects.implicit_names import Namer, mysql_name, postgres_name, snowflake_name

_CLOCK_FUNCTIONS = {
    "CurrentTimestamp": "TIMESTAMPTZ",
    "CurrentTimestampLTZ": "TIMESTAMPTZ",
    "CurrentDate": "DATE",
    "Localtimestamp": "TIMESTAMP",
    "CurrentDatetime": "TIMESTAMP",
    "now()": "TIMESTAMPTZ",
    "transaction_timestamp()": "TIMESTAMPTZ",
}
"""Expressions that mean the current time in most dialects, as in `Language.clock_functions`."""
_EQUALITY = frozenset({"EQ", "NEQ", "In"})
"""Comparisons that do not ask for an order."""
_SYSTEM_COLUMNS = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})
"""Columns that every table of PostgreSQL has, and that tell of the place of its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Facts of a dialect that the planner uses."""

    clock_functions: Mapping[str, str] = field(default_factory=lambda: _CLOCK_FUNCTIONS)
    """Expressions that mean the current time, by SQLGlot's class name or `name()` → type of the literal each
    becomes: DATE, TIME, TIMESTAMP, TIMESTAMPTZ, or SECOND for a TIMESTAMP in whole seconds."""
    literal_types: Mapping[str, str] = field(default_factory=dict)
    """DATE, TIMESTAMP and TIMESTAMPTZ → the type a literal of it is cast to; what is missing is not sent."""
    escape: str | None = None
    """Escape character of LIKE patterns without ESCAPE; None if it is not known."""
    bytewise: frozenset[str] = frozenset()
    """SQLGlot's class names of comparisons in which text of the usual collations is compared byte by byte."""
    output_name: Namer | None = None
    """Function that names an output without an alias; None: the engine's own name is used."""
    values_column: str = ""
    """Name of a column of a VALUES list, before its number from 1; empty: the engine's own name is used."""
    local_words: frozenset[str] = frozenset()
    """Words that mean something else in every database, beside functions: system columns and types."""
    words_of_tables: frozenset[str] = frozenset()
    """Those that tell of a table itself: a copy answers otherwise."""
    calls_of_tables: frozenset[str] = frozenset()
    """Functions whose answer is that of their columns' table: its defaults, its full-text index."""
    clauses_of_tables: frozenset[tuple[str, str]] = frozenset()
    """Pairs of words that begin a clause after a table's name, which asks for what its copy does not have."""
    keeps_letter_case: bool = False
    """Whether an output that is a column has the letter case in which the SQL writes it, not the table's."""
    runs_comments: bool = False
    """Whether the server runs what a comment such as `/*! … */` says."""
    ignores_bare_offset: bool = False
    """Whether a query within a query has all rows in spite of an OFFSET, if it has no LIMIT."""
    casts_to_any_type: bool = False
    """Whether CAST names every type that a column of a table can have."""
    casts_in_conditions: Mapping[str, str] = field(default_factory=dict)
    """Where CAST does not: pattern of a column's type → type of a CAST that compares and computes alike."""
    sizes_by_cast: bool = False
    """Whether a computed number has neither precision nor scale, unless a cast gives them."""


LANGUAGES: Mapping[str, Language] = {
    "postgres": Language(
        escape="\\",
        clock_functions={
            "CurrentTimestamp": "TIMESTAMPTZ",
            "CurrentDate": "DATE",
            "Localtimestamp": "TIMESTAMP",
            "transaction_timestamp()": "TIMESTAMPTZ",
            "statement_timestamp()": "TIMESTAMPTZ",
        },
        literal_types={"DATE": "DATE", "TIMESTAMP": "TIMESTAMP", "TIMESTAMPTZ": "TIMESTAMPTZ"},
        bytewise=_EQUALITY,
        output_name=postgres_name,
        values_column="column",
        local_words=_SYSTEM_COLUMNS | {"regclass", "regproc", "regprocedure", "regrole", "regtype", "user"},
        words_of_tables=_SYSTEM_COLUMNS,
        casts_to_any_type=True,
        sizes_by_cast=True,
    ),
    "mysql": Language(
        escape="\\",
        clock_functions={
            "CurrentTimestamp": "SECOND",
            "CurrentDate": "DATE",
            "CurrentTime": "TIME",
            "Localtimestamp": "SECOND",
            "UtcTimestamp": "SECOND",
            "UtcDate": "DATE",
            "now()": "SECOND",
        },
        literal_types={"DATE": "DATE", "TIMESTAMP": "DATETIME(6)"},
        output_name=mysql_name,
        calls_of_tables=frozenset({"default", "match"}),
        clauses_of_tables=frozenset(
            {
                ("for", "system_time"),
                ("partition", "("),
                *((verb, noun) for verb in ("force", "ignore", "use") for noun in ("index", "key")),
            }
        ),
        keeps_letter_case=True,
        runs_comments=True,
        ignores_bare_offset=True,
        casts_in_conditions={
            r"(?:tiny|small|medium|big)?int(?:\(\d+\))?": "SIGNED",
            r"(?:tiny|small|medium|big)?int(?:\(\d+\))? unsigned": "UNSIGNED",
            r"decimal(\(\d+,\d+\))": r"DECIMAL\1",
            "date": "DATE",
            r"(?:datetime|timestamp)(\(\d\))?": r"DATETIME\1",
        },
    ),
    "snowflake": Language(output_name=snowflake_name),
    "duckdb": Language(
        escape="",
        clock_functions=_CLOCK_FUNCTIONS | {"get_current_timestamp()": "TIMESTAMPTZ", "today()": "DATE"},
        literal_types={"DATE": "DATE", "TIMESTAMP": "TIMESTAMP", "TIMESTAMPTZ": "TIMESTAMPTZ"},
        bytewise=_EQUALITY | {"LT", "LTE", "GT", "GTE", "Between"},
        local_words=frozenset({"rowid"}),
        casts_to_any_type=True,
    ),
}
"""SQLGlot's name of a dialect → its facts."""


def language(dialect: str) -> Language:
    """Return a dialect's facts; for an unlisted one, only the usual clock functions."""
    return LANGUAGES.get(dialect, _UNKNOWN)


_UNKNOWN = Language()
