"""What is known of each dialect: its clock, its literals, and how its expressions fare in the engine."""

from __future__ import annotations

from collections.abc import Mapping

from dvt.federation.plan.dialects.duckdb import mysql, postgres
from dvt.federation.plan.dialects.entry import Entry, Language, Status

__all__ = ["Entry", "Language", "Status", "language", "literal_types_of", "moments_of"]

_MOMENTS = {
    "CurrentTimestamp": "TIMESTAMPTZ",
    "CurrentTimestampLTZ": "TIMESTAMPTZ",
    "CurrentDate": "DATE",
    "Localtimestamp": "TIMESTAMP",
    "CurrentDatetime": "TIMESTAMP",
    "now()": "TIMESTAMPTZ",
    "transaction_timestamp()": "TIMESTAMPTZ",
}
_LANGUAGES: Mapping[str, Language] = {
    "postgres": postgres.LANGUAGE,
    "mysql": mysql.LANGUAGE,
    "duckdb": Language(
        escape="",
        moments=_MOMENTS | {"get_current_timestamp()": "TIMESTAMPTZ", "today()": "DATE"},
        literal_types={"DATE": "DATE", "TIMESTAMP": "TIMESTAMP"},
    ),
}
_OTHER = Language(moments=_MOMENTS)


def language(dialect: str) -> Language:
    """What is known of `dialect`; of an unknown one, that nothing is verified."""
    return _LANGUAGES.get(dialect, _OTHER)


def moments_of(dialect: str) -> Mapping[str, str]:
    """Expressions that mean the run's moment, and the type each one has."""
    return language(dialect).moments or _MOMENTS


def literal_types_of(dialect: str) -> Mapping[str, str]:
    """Types that literals of dates and timestamps may be cast to, by DuckDB type; empty: do not send any."""
    return language(dialect).literal_types
