"""Connections of Snowflake's client, each with the session that values' texts depend on."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from dvt.core.errors import DriverMissing
from dvt.drivers.snowflake.errors import client_errors, connect_error
from dvt.drivers.snowflake.settings import SnowflakeSettings

SESSION: Mapping[str, object] = {
    "TIMEZONE": "UTC",
    "ROWS_PER_RESULTSET": 0,
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS.FF9",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF9",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM",
    "DATE_INPUT_FORMAT": "AUTO",
    "TIME_INPUT_FORMAT": "AUTO",
    "TIMESTAMP_INPUT_FORMAT": "AUTO",
    "BINARY_OUTPUT_FORMAT": "HEX",
    "BINARY_INPUT_FORMAT": "HEX",
    "JSON_INDENT": 0,
    "STRICT_JSON_OUTPUT": True,
}
"""Parameters of the session: an account may set each of them for everybody. All that values' texts depend on,
and two that would change rows and names silently: how many rows an answer has at most, and whether names in
quotes are in upper case. `STATEMENT_TIMEOUT_IN_SECONDS` stays the user's."""

_RETRY_PAUSE = 0.5
"""Seconds between two attempts to log in."""

# Below this level the client writes statements, with the credentials in them, to Python's log.
logging.getLogger("snowflake.connector").setLevel(logging.ERROR)


class Session:
    """An open connection in autocommit: BEGIN, COMMIT and ROLLBACK are statements."""

    def __init__(self, name: str, connection: Any) -> None:
        self.name = name
        self._connection = connection
        self._cursor = connection.cursor()
        self.id = connection.session_id
        """The number by which the service knows the session."""

    def run(self, sql: str) -> None:
        """Run a statement, whose rows are of no interest; raises the client's errors."""
        self._cursor.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query, and return its few rows; raises the client's errors."""
        self._cursor.execute(sql)
        return [tuple(row) for row in self._cursor.fetchall()]

    def fetch(self, count: int) -> list[tuple[Any, ...]]:
        """Return the next rows of the statement that was run last."""
        return [tuple(row) for row in self._cursor.fetchmany(count)]

    @property
    def columns(self) -> Sequence[Any]:
        """Descriptions of the last answer's columns: `name`, `type_code`, `precision`, `scale`."""
        columns: Sequence[Any] = self._cursor.description
        return columns

    def named(self) -> list[str]:
        """Names of the last answer's columns, in lower case."""
        return [str(column.name).lower() for column in self.columns]

    def close(self) -> None:
        """Close the connection."""
        with suppress(*client_errors()):
            self._connection.close(retry=False)


def connect(name: str, settings: SnowflakeSettings) -> Session:
    """Log in, with all parameters of the session."""
    try:
        import snowflake.connector as client
    except ImportError as error:
        raise DriverMissing(
            "snowflake-connector-python", "dvt sync, or pip install 'dvt-engine[snowflake]'"
        ) from error
    tag = {"QUERY_TAG": settings.query_tag} if settings.query_tag else {}
    arguments = settings.arguments(name)
    for attempt in range(settings.connect_retries + 1):
        try:
            return Session(name, client.connect(**arguments, session_parameters={**SESSION, **tag}))
        except client_errors() as error:
            failure = connect_error(name, settings.where, error)
            if attempt == settings.connect_retries or not failure.transient:
                raise failure from None  # the client's own may show the arguments
            time.sleep(_RETRY_PAUSE)
    raise AssertionError  # the last attempt has raised
