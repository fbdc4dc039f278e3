"""Reads what a warehouse has written to a bucket, by DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from dvt.core.errors import ValueLost
from dvt.core.ports.staging import Location
from dvt.core.queries import SourceQuery
from dvt.core.tables import Column
from dvt.drivers.duckdb.sql import listed, quoted, unpacked
from dvt.drivers.duckdb.staging import CONSUMER

_DOWNLOADS = 4
"""Files that are fetched from the bucket at once."""


def transferred(query: SourceQuery, place: Location) -> str:
    """Return a SELECT of an answer from the Parquet files of a place, which are fetched side by side."""
    keys = [key for key, _ in place.bucket.list(place.prefix)]
    if not keys:  # a warehouse may write no file for no rows
        nulls = ", ".join(f"CAST(NULL AS VARCHAR) AS {quoted(column.name)}" for column in query.columns)
        return unpacked(query.columns, f"(SELECT {nulls} WHERE false)")
    with ThreadPoolExecutor(_DOWNLOADS, thread_name_prefix="dvt-fetch") as pool:
        files = list(pool.map(lambda key: place.bucket.uri_for(CONSUMER, key), keys))
    return unpacked(query.columns, f"read_parquet({listed(files)}, hive_partitioning=false)")


def check_types(query: SourceQuery, is_refused: Callable[[Column], bool]) -> None:
    """Raise ValueLost for a column of a type that cannot be staged."""
    for extracted in query.columns:
        if is_refused(extracted.column):
            where = f"{query.tables[extracted.table]}, column {extracted.column.name}"
            problem = f"a value of type {extracted.column.native} cannot be staged"
            raise ValueLost(where, problem, "read a view there that casts the column to text or to numbers")
