"""Describes tables by the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dvt.core.errors import TableNotFound
from dvt.core.names import TableRef
from dvt.core.tables import Column, Table
from dvt.drivers.bigquery.connect import Session
from dvt.drivers.bigquery.names import table_id
from dvt.drivers.bigquery.types import map_column

_MOST_NAMES = 500
"""Names of a dataset's tables that are looked at for 'did you mean', at most."""


@dataclass(frozen=True, slots=True)
class Described:
    """A table, and what the connector needs to know of it beside that."""

    table: Table
    has_history: bool
    """Whether it can be read as of a moment in the past: it is a table of BigQuery's own."""


def describe(session: Session, ref: TableRef, *, name: str) -> Described:
    """Describe a table as it is at present."""
    from google.api_core.exceptions import NotFound

    place = table_id(ref, session.project, session.settings.dataset)
    try:
        found = session.table(place)
    except NotFound:
        raise TableNotFound(str(ref), name, _names(session, place[:2])) from None
    is_own = found.table_type == "TABLE"
    table = Table(
        ref=ref,
        columns=tuple(_column(field.to_api_repr()) for field in found.schema),
        rows=_rows(found) if is_own else None,
        bytes=_bytes(found) if is_own else None,
        scannable=False,
    )
    return Described(table, has_history=is_own)


def _rows(found: Any) -> int | None:
    """Return a table's number of rows, with those that were streamed to it and are not stored yet."""
    if found.num_rows is None:
        return None
    buffer = found.streaming_buffer
    return int(found.num_rows) + int((buffer.estimated_rows if buffer else 0) or 0)


def _bytes(found: Any) -> int | None:
    """Return a table's bytes, likewise."""
    if found.num_bytes is None:
        return None
    buffer = found.streaming_buffer
    return int(found.num_bytes) + int((buffer.estimated_bytes if buffer else 0) or 0)


def _column(field: dict[str, Any]) -> Column:
    kind = str(field["type"])
    sizes = tuple(int(field[key]) for key in ("precision", "scale") if field.get(key) is not None)
    repeated = field.get("mode") == "REPEATED"
    digits = int(field.get("timestampPrecision") or 6)
    return map_column(str(field["name"]), kind, sizes, repeated=repeated, digits=digits)


def _names(session: Session, dataset: Sequence[str]) -> list[str]:
    """Return the names of a dataset's tables; none where the dataset cannot be looked into."""
    from google.api_core.exceptions import GoogleAPICallError

    try:
        return session.table_names(dataset, _MOST_NAMES)
    except GoogleAPICallError:
        return []
