"""How each database over JDBC is loaded, one module for each."""

from dvt.drivers.jdbc.loads.clickhouse import CLICKHOUSE
from dvt.drivers.jdbc.loads.load_types import Loads, LoadType
from dvt.drivers.jdbc.loads.trino import TRINO

__all__ = ["CLICKHOUSE", "TRINO", "LoadType", "Loads"]
