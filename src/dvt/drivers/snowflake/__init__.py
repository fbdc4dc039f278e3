"""Snowflake: connections by its own client, types, names, errors."""

from __future__ import annotations

from dvt.drivers.snowflake.catalog import Described, describe, place_of
from dvt.drivers.snowflake.connect import Session, connect
from dvt.drivers.snowflake.errors import as_dvt_errors, client_errors, is_refusal, translate
from dvt.drivers.snowflake.names import literal, quoted, relation
from dvt.drivers.snowflake.rows import answer_rows
from dvt.drivers.snowflake.settings import SnowflakeSettings, parse
from dvt.drivers.snowflake.types import is_refused

__all__ = [
    "Described",
    "Session",
    "SnowflakeSettings",
    "answer_rows",
    "as_dvt_errors",
    "client_errors",
    "connect",
    "describe",
    "is_refusal",
    "is_refused",
    "literal",
    "parse",
    "place_of",
    "quoted",
    "relation",
    "translate",
]
