"""dbt's adapter for databases that only JDBC reaches: H2, HSQLDB and Derby."""

from __future__ import annotations

from pathlib import Path

from dbt.adapters.base import AdapterPlugin

from dvt.dbt_adapters.jdbc.adapter import JdbcAdapter
from dvt.dbt_adapters.jdbc.credentials import JdbcCredentials

__all__ = ["JDBC"]

JDBC = AdapterPlugin(
    adapter=JdbcAdapter,
    credentials=JdbcCredentials,
    include_path=str(Path(__file__).parent / "include"),
    project_name="dbt_jdbc",
)
"""The plugin for type jdbc: dbt looks for macros `jdbc__…`, then its defaults."""
