"""How each database over JDBC is loaded, one module for each."""

from dvt.drivers.jdbc.loads.clickhouse import CLICKHOUSE
from dvt.drivers.jdbc.loads.databricks import DATABRICKS
from dvt.drivers.jdbc.loads.derby import DERBY
from dvt.drivers.jdbc.loads.h2 import H2
from dvt.drivers.jdbc.loads.hsqldb import HSQLDB
from dvt.drivers.jdbc.loads.load_types import JsonRows, Loads, LoadType, Requirement
from dvt.drivers.jdbc.loads.oracle import ORACLE
from dvt.drivers.jdbc.loads.sqlserver import SQLSERVER
from dvt.drivers.jdbc.loads.trino import TRINO

BY_PRODUCT = {"derby": DERBY, "h2": H2, "hsqldb": HSQLDB}
"""Subprotocol of a URL → how its database is loaded, of those that have no type of outputs of their own."""

__all__ = [
    "BY_PRODUCT",
    "CLICKHOUSE",
    "DATABRICKS",
    "DERBY",
    "H2",
    "HSQLDB",
    "ORACLE",
    "SQLSERVER",
    "TRINO",
    "JsonRows",
    "LoadType",
    "Loads",
    "Requirement",
]
