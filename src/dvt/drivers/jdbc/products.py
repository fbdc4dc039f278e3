"""What dvt knows of some databases: an unknown one is read by what JDBC alone promises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_SUBPROTOCOL = re.compile(r"jdbc:(?:arrow-)?([a-z0-9-]+)", re.IGNORECASE)
"""Matches the beginning of a URL; the group names the database."""

_ARGUMENTS = re.compile(r"\((?:\d|')[^)]*\)")
"""Matches sizes, or a time zone, behind a type's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A database. The defaults are those of one that dvt does not know."""

    isolation: int | None = None
    """Level of java.sql.Connection in which all queries of a transaction read one state; None: not known."""
    compares_integers: bool = False
    """Whether comparisons of whole numbers are proven to answer as DuckDB's."""
    wide_number: str = ""
    """SQL of a whole number `{}` of more than 64 bits, if it does not read that as it stands."""
    not_run: str = ""
    """What dvt's tests could not run of it, for people; empty if they run it, or it is not known."""
    date_literal: str = ""
    """SQL of a date `{}` as ISO 8601 writes it; empty: tables are not cut into ranges of dates."""
    timestamp_literal: str = ""
    """The same of a timestamp without a time zone."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Properties of the driver without which it would change values, unless the output sets them."""
    on_connect: tuple[str, ...] = ()
    """Statements that every session begins with."""
    schemas_are_databases: bool = False
    """Whether the database calls databases what is a schema in dbt."""
    is_proven: bool = True
    """Whether its driver's dates have been compared; otherwise those before 1582 are refused, and others that
    it reads in two ways."""
    times_as_text: frozenset[str] = frozenset()
    """Types, in lower case, without sizes, whose dates and times its driver changes, but not their text."""
    read: Mapping[str, str] = field(default_factory=dict)
    """Type → SQL that sends its values `{0}`, where not even the driver's text is right."""
    read_others: str = ""
    """SQL that sends values `{0}` of types that JDBC has no text for; empty: as their driver writes them."""
    has_transactions: bool = True
    """Whether it is read in transactions; many drivers hold a whole answer in memory outside of one."""
    sized_by_values: frozenset[str] = frozenset()
    """Types of time, in lower case, whose number of digits is not declared: the database's highest."""
    instants: frozenset[str] = frozenset()
    """Types, in lower case, whose values are instants though its driver takes them for times of day."""
    can_be_target: bool = False
    """Whether dvt's dbt adapter for it has a row (`dbt_adapters.jdbc.products`)."""
    wrappers: tuple[str, ...] = ()
    """Types, in lower case, around another one that say nothing of its values, as `nullable(…)`."""

    def type_of(self, native: str) -> str:
        """Return a type's name in lower case, without sizes, time zones and wrappers."""
        name = native.lower()
        for _ in self.wrappers:
            for wrapper in self.wrappers:
                name = (
                    name.removeprefix(f"{wrapper}(").removesuffix(")")
                    if name.startswith(f"{wrapper}(")
                    else name
                )
        return _ARGUMENTS.sub("", name).strip()


_REPEATABLE_READ = 4
_H2_SNAPSHOT = 6
"""H2's own level: its `REPEATABLE READ` shows new rows."""
_DATE, _TIMESTAMP = "DATE '{}'", "TIMESTAMP '{}'"
"""Literals as standard SQL writes them."""

_UTF8 = "concat({0}, substring('', 1 + throwIf(NOT isValidUTF8({0}), 'a text is no UTF-8')))"
"""SQL of a text of ClickHouse, which has bytes: its driver would replace what is no UTF-8, silently."""
_NOT_RUN = "dvt was not run against the real service"
_CLICKHOUSE = Product(
    not_run="dvt was run on its engine, not on a server",
    date_literal="toDate32('{}')",
    wrappers=("lowcardinality", "nullable"),
    times_as_text=frozenset({"datetime", "datetime64"}),
    read={
        "string": _UTF8,
        "fixedstring": _UTF8,
        "datetime": "concat(toString(toTimeZone({0}, 'UTC')), 'Z')",
        "datetime64": "concat(toString(toTimeZone({0}, 'UTC')), 'Z')",
    },
    instants=frozenset({"datetime", "datetime64"}),
    read_others="toString({0})",
    has_transactions=False,
)

_PRODUCTS: Mapping[str, Product] = {
    "postgresql": Product(
        date_literal=_DATE,
        timestamp_literal=_TIMESTAMP,
        isolation=_REPEATABLE_READ,
        compares_integers=True,
        instants=frozenset({"timestamptz", "timetz"}),
    ),
    "mariadb": Product(
        date_literal=_DATE,
        timestamp_literal=_TIMESTAMP,
        isolation=_REPEATABLE_READ,
        compares_integers=True,
        properties={"tinyInt1isBit": "false", "yearIsDateType": "false"},
        on_connect=(
            "SET SESSION sql_mode = 'ANSI_QUOTES'",
            "SET SESSION time_zone = '+00:00'",
        ),
        schemas_are_databases=True,
        times_as_text=frozenset({"time"}),
        instants=frozenset({"timestamp"}),
    ),
    "mysql": Product(
        date_literal=_DATE,
        timestamp_literal=_TIMESTAMP,
        is_proven=False,
        # Without these: 2 in a tinyint(1) is true, and a whole answer is in memory.
        properties={
            "tinyInt1isBit": "false",
            "yearIsDateType": "false",
            "useCursorFetch": "true",
            "connectionTimeZone": "UTC",
            "forceConnectionTimeZoneToSession": "true",
        },
        schemas_are_databases=True,
        times_as_text=frozenset({"time"}),
        instants=frozenset({"timestamp"}),
    ),
    "h2": Product(
        can_be_target=True,
        isolation=_H2_SNAPSHOT,
        compares_integers=True,
        date_literal=_DATE,
        timestamp_literal=_TIMESTAMP,
    ),
    "trino": Product(
        compares_integers=True,
        date_literal=_DATE,
        timestamp_literal=_TIMESTAMP,
        wide_number="DECIMAL '{}'",
        times_as_text=frozenset({"date", "timestamp with time zone"}),
        read={
            "date": "CAST({0} AS VARCHAR)",
            "timestamp with time zone": "CAST({0} AT TIME ZONE 'UTC' AS VARCHAR)",
        },
        has_transactions=False,
    ),
    "sqlserver": Product(
        not_run=_NOT_RUN,
        is_proven=False,
        date_literal="CAST('{}' AS date)",
        timestamp_literal="CAST('{}' AS datetime2)",
    ),
    "oracle": Product(
        not_run=_NOT_RUN,
        is_proven=False,
        date_literal=_DATE,
        timestamp_literal=_TIMESTAMP,
        # Without it, a session in UTC is refused where the server does not know that zone's name (ORA-01882).
        properties={"oracle.jdbc.timezoneAsRegion": "false"},
    ),
    "clickhouse": _CLICKHOUSE,
    "ch": _CLICKHOUSE,
    "databricks": Product(
        not_run=_NOT_RUN,
        is_proven=False,
        date_literal=_DATE,
        timestamp_literal="TIMESTAMP_NTZ '{}'",
        on_connect=("SET TIME ZONE 'UTC'",),
        times_as_text=frozenset({"date", "timestamp", "timestamp_ntz"}),
        read={
            "date": "CAST({0} AS STRING)",
            "timestamp": "CONCAT(CAST({0} AS STRING), 'Z')",
            "timestamp_ntz": "CAST({0} AS STRING)",
        },
        instants=frozenset({"timestamp"}),
        sized_by_values=frozenset({"timestamp_ntz"}),
        has_transactions=False,
    ),
    "hsqldb": Product(
        can_be_target=True,
        compares_integers=True,
        date_literal=_DATE,
        timestamp_literal=_TIMESTAMP,
    ),
    "firebirdsql": Product(
        isolation=_REPEATABLE_READ,
        date_literal=_DATE,
        timestamp_literal=_TIMESTAMP,
        properties={"encoding": "UTF8"},
        # A column without a character set may hold what is no UTF-8; the driver would replace it silently.
        read={
            "char": "{0} || _utf8''",
            "varchar": "{0} || _utf8''",
            "blob sub_type text": "CAST({0} AS BLOB SUB_TYPE TEXT CHARACTER SET UTF8)",
        },
    ),
    "derby": Product(
        can_be_target=True,
        date_literal="DATE('{}')",
        timestamp_literal="TIMESTAMP('{}')",
        sized_by_values=frozenset({"timestamp"}),
    ),
}
"""Subprotocol of a URL → the database."""


def subprotocol(url: str) -> str:
    """Return the part of a URL that names its database."""
    match = _SUBPROTOCOL.match(url)
    return match[1].lower() if match else ""


def product(url: str) -> Product:
    """Return the database of a URL."""
    return _PRODUCTS.get(subprotocol(url), _UNKNOWN)


_UNKNOWN = Product(is_proven=False)
