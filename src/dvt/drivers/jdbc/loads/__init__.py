"""How each database over JDBC is loaded, one module for each."""

from dvt.drivers.jdbc.loads.clickhouse import CLICKHOUSE
from dvt.drivers.jdbc.loads.h2 import H2
from dvt.drivers.jdbc.loads.load_types import JsonRows, Loads, LoadType
from dvt.drivers.jdbc.loads.trino import TRINO

BY_PRODUCT = {"h2": H2}
"""Subprotocol of a URL → how its database is loaded, of those that have no type of outputs of their own."""

__all__ = ["BY_PRODUCT", "CLICKHOUSE", "H2", "TRINO", "JsonRows", "LoadType", "Loads"]
