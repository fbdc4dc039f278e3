"""What differs between the databases of tables: all that the rest of this folder asks of one of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Engine

Value = str | int | float | bytes | None
"""A value of a column, as its Spelling reads it."""
Name = tuple[str, str]
"""Schema and table; the schema is empty on SQLite."""
LOCK_SECONDS = 2
"""Seconds for which it is waited for rows that somebody else holds."""
CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How a column's values are read, and given again, so that each comes back as it was."""

    read: Callable[[str], str] = str
    """SQL of the column → SQL of what is in a backup, and in keys."""
    given: Callable[[str, Value], str] = lambda parameter, _value: f":{parameter}"
    """Name of a parameter, and the value that was read → SQL of the column's value."""
    exact: Callable[[str], str] | None = None
    """SQL of a value → SQL that is equal for the very same values alone; None if `=` is, but for numbers."""
    ending: str = ""
    """What the text of a time lacks to say which moment it is: the zone, where the type has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A table's columns."""

    name: Name
    dialect: Dialect
    spellings: Mapping[str, Spelling]
    """Column → how its values are read and given, in their order."""
    key: tuple[str, ...]
    """The primary key."""
    generated: frozenset[str]
    """Those that nobody writes."""

    @property
    def sql(self) -> str:
        """The table's name in SQL."""
        return self.dialect.quoted(*self.name)

    @property
    def label(self) -> str:
        """The table's name, for people."""
        return ".".join(filter(None, self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """That rows of one table refer to rows of another."""

    child: Name
    parent: Name
    columns: tuple[str, ...]
    """The child's."""
    to: tuple[str, ...]
    """The parent's."""
    on_delete: str = ""


class Locks(NamedTuple):
    """Ends of SELECTs that lock rows until the transaction ends."""

    items: str = ""
    """Of the rows of items."""
    below: str = ""
    """Of those that refer to them, and go with them."""
    barriers: str = ""
    """Of those that may not refer to them."""


class Dialect(ABC):
    """A database of one kind, at one address."""

    overriding = ""
    """SQL between columns and VALUES of an INSERT, so that the database numbers no row itself."""

    def __init__(self, data_type: str, label: str, secrets: Sequence[str]) -> None:
        """`label`: what people read, without user, password and options. `secrets`: what no message has."""
        self.data_type, self.label, self.secrets = data_type, label, secrets

    @abstractmethod
    def engine(self) -> Engine:
        """Return what opens connections; RowsUnreachable if that cannot be."""

    @abstractmethod
    def begin(self, connection: Connection, *, writes: bool) -> None:
        """Begin a transaction: one that sees one state and cannot write, or one that writes."""

    @abstractmethod
    def quoted(self, *names: str) -> str:
        """Return a name as `text()` takes it: of a column, or of a schema and a table."""

    @abstractmethod
    def find(self, connection: Connection, schema: str | None, table: str) -> Name | None:
        """Return schema and name of a table; None if there is none."""

    @abstractmethod
    def columns(self, connection: Connection, name: Name) -> Columns:
        """Return the columns of a table that is there; RowsMisdescribed if its rows could not come back."""

    @abstractmethod
    def references(self, connection: Connection) -> Iterator[Reference]:
        """Yield all foreign keys that this user sees, of all schemas."""

    def require_all_references(  # noqa: B027
        self, connection: Connection, tables: Sequence[Name], seen: Sequence[Reference]
    ) -> None:
        """RowsUnreachable if foreign keys refer to these tables that are not among those seen."""

    def locks(self, connection: Connection) -> Locks:  # noqa: ARG002
        """Return how rows are locked, so that no other comes to refer to them."""
        return Locks()

    def longest(self, connection: Connection) -> int | None:  # noqa: ARG002
        """Return the bytes that a row may have, as `size_of` counts them; None without a limit."""
        return None

    def is_lost(self, value: Value) -> bool:  # noqa: ARG002
        """Return whether a value that was read says that the column's could not be given again."""
        return False


def parameter(sql: str) -> str:
    """Return SQL as `text()` takes it, without what would be taken for a parameter."""
    return sql.replace(":", "\\:")


def quoted_by(quote: str, names: Sequence[str]) -> str:
    """Return a name in these quotes, whose parts are not empty."""
    return parameter(".".join(quote + name.replace(quote, quote * 2) + quote for name in names if name))


def size_of(value: Value) -> int:
    """Return the bytes that a value has in a statement, at most."""
    if not isinstance(value, str | bytes):
        return len(str(value))
    raw = value.encode(errors="surrogatepass") if isinstance(value, str) else value
    return len(raw) + sum(raw.count(byte) for byte in b"\0\n\r\x1a\"'\\")
