"""Databases over JDBC: a Java process holds the connections, and sends what it reads as Arrow's columns."""

from dvt.drivers.jdbc.answers import Answer
from dvt.drivers.jdbc.errors import may_pass
from dvt.drivers.jdbc.inserting import Insertion
from dvt.drivers.jdbc.process import Bridge
from dvt.drivers.jdbc.products import Product, product
from dvt.drivers.jdbc.sessions import Facts, Session
from dvt.drivers.jdbc.settings import JdbcSettings, parse
from dvt.drivers.jdbc.stopping import Stoppable
from dvt.drivers.jdbc.types import JdbcColumn, kind, mapping

__all__ = [
    "Answer",
    "Bridge",
    "Facts",
    "Insertion",
    "JdbcColumn",
    "JdbcSettings",
    "Product",
    "Session",
    "Stoppable",
    "kind",
    "mapping",
    "may_pass",
    "parse",
    "product",
]
