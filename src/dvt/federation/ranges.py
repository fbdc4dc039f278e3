"""Tells how a query's rows are read, and refuses configs of ranges that its connection cannot meet."""

from __future__ import annotations

from dvt.core.errors import BadExtraction
from dvt.core.ports.connectors import Connector, ReadsInRanges
from dvt.core.queries import SourceQuery, Split


def ranges_of(query: SourceQuery, connector: Connector) -> Split | None:
    """Return in which ranges of a column a large table is read; None if it is not.

    BadExtraction or ColumnNotFound tell of a config that cannot be met.
    """
    if isinstance(connector, ReadsInRanges):
        return connector.ranges(query)
    extraction = query.extraction
    if extraction.partition_column or extraction.partitions:
        key = "partition_column" if extraction.partition_column else "partitions"
        problem = f"connection {query.connection!r} is not read in ranges of a column"
        raise BadExtraction(query.about, key, problem, "leave it out: it is for what is read over JDBC")
    return None
