"""dbt's adapter for MySQL and MariaDB: one adapter, two types."""

from __future__ import annotations

from pathlib import Path

from dbt.adapters.base import AdapterPlugin

from dvt.dbt_adapters.mysql.adapter import MariaDBAdapter, MySQLAdapter
from dvt.dbt_adapters.mysql.credentials import MariaDBCredentials, MySQLCredentials

__all__ = ["MARIADB", "MYSQL"]

_HERE = Path(__file__).parent

MYSQL = AdapterPlugin(
    adapter=MySQLAdapter,
    credentials=MySQLCredentials,
    include_path=str(_HERE / "include"),
    project_name="dbt_mysql",
)
"""The plugin for type mysql: dbt looks for macros `mysql__…`, then its defaults."""

MARIADB = AdapterPlugin(
    adapter=MariaDBAdapter,
    credentials=MariaDBCredentials,
    include_path=str(_HERE / "include_mariadb"),
    dependencies=["mysql"],
    project_name="dbt_mariadb",
)
"""The plugin for type mariadb: dbt looks for macros `mariadb__…`, then `mysql__…`, then its defaults."""
