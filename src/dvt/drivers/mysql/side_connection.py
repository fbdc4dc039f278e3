"""Connections of PyMySQL beside the scanner's: they describe tables, hold read locks, and kill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from dvt.drivers.mysql.flavour import Flavour, flavour_of
from dvt.drivers.mysql.login import log_in, translate
from dvt.drivers.mysql.settings import MySQLSettings

_CATALOG_TIMEOUT = 60.0
"""Seconds that a query of the catalog may take, once logged in."""


class SideConnection:
    """A server connection for small queries and commands. Closed at the end of its `with`."""

    def __init__(self, name: str, settings: MySQLSettings, connection: Any) -> None:
        self._name = name
        self._settings = settings
        self._connection = connection

    @property
    def number(self) -> int:
        """The server's number of this connection, as it said at the login."""
        return int(self._connection.thread_id())

    @property
    def connect_timeout(self) -> float:
        """Seconds in which this server should answer what costs it nothing."""
        return self._settings.connect_timeout

    @property
    def flavour(self) -> Flavour:
        """The server's product, version and what follows from them."""
        return flavour_of(self._connection.get_server_info())

    @property
    def is_mariadb(self) -> bool:
        """True for MariaDB, False for MySQL."""
        return self.flavour.is_mariadb

    def rows(
        self, sql: str, values: Sequence[Any] = (), *, doing: str, timeout: float = _CATALOG_TIMEOUT
    ) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; raise after `timeout` seconds without an answer."""
        import pymysql

        self._connection.set_timeout(timeout)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, tuple(values) or None)
                return list(cursor.fetchall())
        except (pymysql.Error, OSError) as error:
            raise translate(error, self._name, doing) from error


@contextmanager
def connect(name: str, settings: MySQLSettings) -> Iterator[SideConnection]:
    """Log in. Raise within `connect_timeout` if the server is down, does not answer or refuses.

    For short questions: after that, statements may wait for their own time limits.
    """
    with closing(log_in(name, settings)) as connection:
        yield SideConnection(name, settings, connection)
