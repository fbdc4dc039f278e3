"""Real databases for tests, by name.

An entry of `DATABASES` is a function without arguments that gives a context manager: the database
runs (or its file exists) for as long as the `with` lasts. The fixtures of tests/conftest.py open each
at most once per test run, when the first test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

DATABASES: dict[str, str] = {
    "postgres": "tests.databases.postgres:postgres",
    "mariadb": "tests.databases.mariadb:mariadb",
    "redshift": "tests.databases.redshift:redshift",
    "bigquery": "tests.databases.bigquery:bigquery",
    "snowflake": "tests.databases.snowflake:snowflake",
    "sqlite": "tests.databases.embedded:sqlite_file",
    "duckdb": "tests.databases.embedded:duckdb_file",
    "trino": "tests.databases.trino:trino",
    "clickhouse": "tests.databases.clickhouse:clickhouse",
    "jdbc": "tests.databases.jdbc:h2",
    "files": "tests.databases.embedded:folder_of_files",
}
"""Name → function that opens the database; the conformance tests run on all of them."""
SERVERS = frozenset({"postgres", "mariadb", "redshift", "bigquery", "snowflake"})
"""Those that are servers on which queries can be stopped."""
TARGETS = SERVERS | {"clickhouse", "duckdb", "trino"}
"""Those in which stage tables can be filled."""
LONG = frozenset({"clickhouse", "snowflake", "trino"})
"""Those that take long to start: tests of all databases leave them to `make test-long`."""
NOT_RUN = frozenset({"databricks", "oracle", "sqlserver"})
"""Types of outputs whose servers cannot be had; `test_jdbc_keys.py` tests what can be."""
SECOND_SERVERS: dict[str, str] = {
    "usual_mariadb": "tests.databases.mariadb:usual_mariadb",
    "mysql56": "tests.databases.mysql56:mysql56",
    "hsqldb": "tests.databases.jdbc:hsqldb",
    "derby": "tests.databases.jdbc:derby",
    "firebird": "tests.databases.jdbc:firebird",
}
"""Name → function that opens another server, for the tests that name it."""


def load(name: str) -> Callable[[], AbstractContextManager[Any]]:
    """Import the function that opens the database of this name."""
    module, _, attribute = (DATABASES | SECOND_SERVERS)[name].partition(":")
    opener: Callable[[], AbstractContextManager[Any]] = getattr(import_module(module), attribute)
    return opener
