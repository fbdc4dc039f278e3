"""The connector: describes tables, extracts from them and loads them."""

from __future__ import annotations

from dvt.connectors.duckdb import DuckDBConnector


class NestConnector(DuckDBConnector):
    """Implements Connector and CanLoad, as DuckDB's own does."""
