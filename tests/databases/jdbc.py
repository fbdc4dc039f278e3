"""The tests' servers over JDBC: of PostgreSQL and MariaDB the running ones, the Java ones of their own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

from dvt.core.names import TableRef
from tests.databases import mariadb, postgres
from tests.databases.firebird import Firebird
from tests.databases.jars import jar, java
from tests.databases.java_servers import H2, HSQLDB, Derby, java_server

POSTGRES_DRIVER = "org.postgresql:postgresql:42.7.7"
MARIADB_DRIVER = "org.mariadb.jdbc:mariadb-java-client:3.5.3"


class PostgreSQLOverJdbc(postgres.PostgreSQL):
    """PostgreSQL, reached by dvt over JDBC."""

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {
            "type": "jdbc",
            "url": f"jdbc:postgresql://127.0.0.1:{self.port}/{postgres.DBNAME}",
            "jar": str(jar(POSTGRES_DRIVER)),
            "user": postgres.USER,
            "password": postgres.PASSWORD,
        } | overrides


class MariaDBOverJdbc(mariadb.MariaDB):
    """MariaDB, reached by dvt over JDBC."""

    more: Mapping[str, Any] = MappingProxyType({})
    """Keys of the output beside those of the login."""

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {
            "type": "jdbc",
            "url": f"jdbc:mariadb://127.0.0.1:{self.port}/{mariadb.SCHEMA}",
            "jar": str(jar(MARIADB_DRIVER)),
            "user": mariadb.USER,
            "password": mariadb.PASSWORD,
            **self.more,
        } | overrides

    def table(self, identifier: str) -> TableRef:
        """See Database."""
        return TableRef(connection=self.name, schema=mariadb.SCHEMA, identifier=identifier)


def over_jdbc(server: Any, **more: Any) -> Any:
    """Return a running PostgreSQL or MariaDB as one that dvt reaches over JDBC."""
    java()
    if isinstance(server, postgres.PostgreSQL):
        return PostgreSQLOverJdbc(server.folder, server.port, server.process, ranges=1)
    over = MariaDBOverJdbc(server.folder, server.port, server.process, server.arguments)
    over.more = more
    return over


def h2() -> AbstractContextManager[H2]:
    """Run an H2 server."""
    return java_server(H2)


def hsqldb() -> AbstractContextManager[HSQLDB]:
    """Run an HSQLDB server."""
    return java_server(HSQLDB)


def derby() -> AbstractContextManager[Derby]:
    """Run a Derby server."""
    return java_server(Derby)


def firebird() -> AbstractContextManager[Firebird]:
    """Run a Firebird server."""
    return java_server(Firebird)
