"""Redshift: connections by Amazon's own client, types, names, errors."""

from __future__ import annotations

from dvt.drivers.redshift.catalog import describe
from dvt.drivers.redshift.connect import Session, connect
from dvt.drivers.redshift.errors import as_dvt_errors, translate
from dvt.drivers.redshift.load_encodings import LoadEncoding, load_encoding
from dvt.drivers.redshift.names import literal, quoted, relation
from dvt.drivers.redshift.rows import answer_rows
from dvt.drivers.redshift.settings import RedshiftSettings, parse
from dvt.drivers.redshift.types import is_refused

__all__ = [
    "LoadEncoding",
    "RedshiftSettings",
    "Session",
    "answer_rows",
    "as_dvt_errors",
    "connect",
    "describe",
    "is_refused",
    "literal",
    "load_encoding",
    "parse",
    "quoted",
    "relation",
    "translate",
]
