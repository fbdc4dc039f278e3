"""BigQuery: clients of Google's own library, types, names, errors."""

from __future__ import annotations

from dvt.drivers.bigquery.catalog import Described, describe
from dvt.drivers.bigquery.connect import Session, connect
from dvt.drivers.bigquery.errors import as_dvt_errors, refusals, translate
from dvt.drivers.bigquery.load_types import LoadType, field, load_type
from dvt.drivers.bigquery.names import literal, quoted, relation, table_id
from dvt.drivers.bigquery.settings import BigQuerySettings, parse
from dvt.drivers.bigquery.sizes import widths
from dvt.drivers.bigquery.types import is_refused

__all__ = [
    "BigQuerySettings",
    "Described",
    "LoadType",
    "Session",
    "as_dvt_errors",
    "connect",
    "describe",
    "field",
    "is_refused",
    "literal",
    "load_type",
    "parse",
    "quoted",
    "refusals",
    "relation",
    "table_id",
    "translate",
    "widths",
]
