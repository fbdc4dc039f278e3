"""What dvt knows of some databases: an unknown one is read by what JDBC alone promises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_SUBPROTOCOL = re.compile(r"jdbc:(?:arrow-)?([a-z0-9-]+)", re.IGNORECASE)
"""Matches the beginning of a URL; the group names the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A database. The defaults are those of one that dvt does not know."""

    isolation: int | None = None
    """Level of java.sql.Connection in which all queries of a transaction read one state; None: not known."""
    compares_integers: bool = False
    """Whether comparisons of whole numbers are proven to answer as DuckDB's."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Properties of the driver without which it would change values, unless the output sets them."""
    on_connect: tuple[str, ...] = ()
    """Statements that every session begins with."""
    schemas_are_databases: bool = False
    """Whether the database calls databases what is a schema in dbt."""
    times_as_text: bool = False
    """Whether its driver makes a time of day of what is none, as of -800:00:00, which only its text shows."""
    sized_by_values: frozenset[str] = frozenset()
    """Types of time, in lower case, whose number of digits is not declared: the database's highest."""
    instants: frozenset[str] = frozenset()
    """Types, in lower case, whose values are instants though its driver takes them for times of day."""


_REPEATABLE_READ = 4
_H2_SNAPSHOT = 6
"""H2's own level: its `REPEATABLE READ` shows new rows."""

_PRODUCTS: Mapping[str, Product] = {
    "postgresql": Product(
        isolation=_REPEATABLE_READ,
        compares_integers=True,
        instants=frozenset({"timestamptz", "timetz"}),
    ),
    "mariadb": Product(
        isolation=_REPEATABLE_READ,
        compares_integers=True,
        properties={"tinyInt1isBit": "false", "yearIsDateType": "false"},
        on_connect=(
            "SET SESSION sql_mode = 'ANSI_QUOTES'",
            "SET SESSION time_zone = '+00:00'",
        ),
        schemas_are_databases=True,
        times_as_text=True,
        instants=frozenset({"timestamp"}),
    ),
    "h2": Product(isolation=_H2_SNAPSHOT, compares_integers=True),
    "hsqldb": Product(compares_integers=True),
    "derby": Product(sized_by_values=frozenset({"timestamp"})),
}
"""Subprotocol of a URL → the database."""


def subprotocol(url: str) -> str:
    """Return the part of a URL that names its database."""
    match = _SUBPROTOCOL.match(url)
    return match[1].lower() if match else ""


def product(url: str) -> Product:
    """Return the database of a URL."""
    return _PRODUCTS.get(subprotocol(url), _UNKNOWN)


_UNKNOWN = Product()
