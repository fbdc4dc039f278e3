"""Connections over JDBC, which the Java process holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from dvt.core.errors import ConnectFailed, DvtError
from dvt.drivers.jdbc.errors import translated
from dvt.drivers.jdbc.process import Bridge, Call
from dvt.drivers.jdbc.products import product
from dvt.drivers.jdbc.settings import JdbcSettings
from dvt.drivers.jdbc.types import JdbcColumn

_GRACE = 10
"""Seconds beyond its own limit after which a driver that does not connect is given up."""
_FACTS = 7
"""Texts that describe a column."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a database and its driver say of themselves."""

    product: str
    version: str
    driver: str
    driver_version: str
    quote: str
    """The character around names; blank if names cannot be quoted."""
    database: str
    """The session's database; empty if there is none."""
    schema: str
    """The session's schema; empty if there is none."""

    def quoted(self, name: str) -> str:
        """Quote a name."""
        quote = self.quote.strip()
        if not quote:
            return name
        end = "]" if quote == "[" else quote
        return quote + name.replace(end, end * 2) + end


class Session:
    """A connection. One request at a time, but for `cancel`."""

    def __init__(self, bridge: Bridge, name: str, settings: JdbcSettings) -> None:
        self._bridge = bridge
        self._name = name
        self._settings = settings
        self._id = bridge.number()
        self.product = product(settings.address)
        self.facts = Facts(*self._connect())
        for statement in self.product.on_connect:
            self.execute(statement, "setting up the session")

    def execute(self, statement: str, doing: str) -> None:
        """Run a statement without an answer."""
        self._ask("execute", statement, doing=doing)

    def update(self, statement: str, doing: str) -> int:
        """Run a statement that `cancel` can stop; return the rows that it changed, -1 if it answers rows."""
        return int(self._ask("update", statement, doing=doing)[0] or -1)

    def updating(self, statement: str) -> Call:
        """Send a statement that `cancel` can stop."""
        return self._bridge.send("update", self._id, statement)

    def transact(self, what: str) -> None:
        """`begin` a transaction that may write, or end it: `commit`, `rollback`."""
        self._ask("transact", what, doing=f"{what} of a transaction")

    def prepared(self, sql: str, doing: str) -> list[JdbcColumn]:
        """Describe the columns of a query that is not run, by their labels; none of another statement."""
        return _columns(self._ask("prepared", sql, doing=doing))

    def begin(self, isolation: int | None) -> None:
        """Begin a transaction to read in; None: of the database's own isolation."""
        level = None if isolation is None else str(isolation)
        # MySQL's driver takes a savepoint for a change, which it refuses in a session that only reads.
        reads_only = str(self.product.is_proven).lower()
        self._ask("begin", level or "", reads_only, doing="beginning to read")

    def tables(self, database: str | None, schema: str | None, name: str | None) -> list[tuple[str, ...]]:
        """List tables and views: database, schema, name and type of each; None matches all."""
        reply = self._ask("tables", database, schema, name, doing="looking at tables")
        texts = [text or "" for text in reply]
        return [tuple(texts[start : start + 4]) for start in range(0, len(texts), 4)]

    def places(self) -> tuple[list[str], list[str]]:
        """List databases, and schemas."""
        reply = self._ask("places", doing="looking at schemas")
        middle = reply.index(None)
        return [text or "" for text in reply[:middle]], [text or "" for text in reply[middle + 1 :]]

    def columns(self, sql: str, doing: str) -> list[JdbcColumn]:
        """Describe the columns of a query."""
        return _columns(self._ask("columns", sql, doing=doing))

    def declared(self, database: str | None, schema: str | None, name: str) -> list[JdbcColumn]:
        """Describe the columns of a table as the catalog declares them."""
        return _columns(self._ask("declared", database, schema, name, doing="looking at columns"))

    def key(self, database: str | None, schema: str | None, name: str) -> tuple[str, ...]:
        """Return the columns of a table's primary key; none if its driver cannot tell."""
        with suppress(DvtError):
            return tuple(
                text or "" for text in self._ask("key", database, schema, name, doing="looking at keys")
            )
        return ()

    def indexed(
        self, database: str | None, schema: str | None, name: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the columns that have a unique index each, and the first columns of a table's other indexes.

        Both are empty if its driver cannot tell.
        """
        with suppress(DvtError):
            reply = self._ask("indexed", database, schema, name, doing="looking at indexes")
            middle = reply.index(None)
            return (
                tuple(text for text in reply[:middle] if text),
                tuple(text for text in reply[middle + 1 :] if text),
            )
        return (), ()

    def query(self, sql: str, path: str, rows: int, kinds: Sequence[str]) -> Call:
        """Send a query whose answer goes into a pipe; `rows` is the highest number of them, or 0."""
        fetch_size = str(self._settings.fetch_size)
        return self._bridge.send("query", self._id, sql, path, fetch_size, str(rows), *kinds)

    def load(self, sql: str, path: str, kinds: Sequence[str]) -> Call:
        """Send an INSERT of one row, for each of the rows that come through a pipe, in batches.

        Each batch is committed. After an error, the session is good for being closed alone.
        """
        return self._bridge.send("load", self._id, sql, path, *kinds)

    def pipe(self) -> str:
        """Make a pipe; return its path."""
        path = self._bridge.folder / f"rows-{self._bridge.number()}"
        os.mkfifo(path, 0o600)
        return str(path)

    def cancel(self) -> Call:
        """Stop the query under way, from another thread; by cutting the connection if nothing else helps."""
        return self._bridge.send("cancel", self._id)

    def close(self) -> None:
        """Close the connection."""
        with suppress(DvtError):
            self._bridge.send("close", self._id).wait(_GRACE)

    def failed(self, call: Call, doing: str) -> DvtError | None:
        """Return the error of a request that has ended, None if it went well."""
        reply = call.reply
        if reply is None:
            return self._bridge.ended(doing)
        if reply[0] == "ok":
            return None
        return translated(reply, name=self._name, settings=self._settings, doing=doing)

    def _connect(self) -> Sequence[str]:
        settings = self._settings
        properties = dict(self.product.properties)
        properties |= {name: value.get_secret_value() for name, value in settings.properties.items()}
        if settings.user is not None:
            properties["user"] = settings.user
        if settings.password is not None:
            properties["password"] = settings.password.get_secret_value()
        pairs = [text for pair in properties.items() for text in pair]
        timeout = settings.connect_timeout
        call = self._bridge.send("connect", self._id, settings.driver, settings.address, str(timeout), *pairs)
        if not call.wait(timeout + _GRACE):
            raise ConnectFailed(self._name, settings.where, f"it did not answer within {timeout + _GRACE} s")
        reply = call.reply
        if reply is None:
            raise self._bridge.ended("connecting")
        if reply[0] != "ok":
            raise translated(reply, name=self._name, settings=settings, doing="connecting", connecting=True)
        return [text or "" for text in reply[1:]]

    def _ask(self, verb: str, *values: str | None, doing: str) -> list[str | None]:
        call = self._bridge.send(verb, self._id, *values)
        call.wait()
        error = self.failed(call, doing)
        if error is not None:
            raise error
        return (call.reply or [])[1:]


def _columns(reply: Sequence[str | None]) -> list[JdbcColumn]:
    texts = [text or "" for text in reply]
    rows = [texts[start : start + _FACTS] for start in range(0, len(texts), _FACTS)]
    return [
        JdbcColumn(name, int(code), native, int(precision), int(scale), signed == "true")
        for name, code, native, precision, scale, signed, _ in rows
    ]
