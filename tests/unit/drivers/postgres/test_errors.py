from __future__ import annotations

import duckdb
import psycopg2
import pytest

from dvt.core.errors import (
    Cancelled,
    ConnectFailed,
    ConnectionLost,
    DvtError,
    LoginRefused,
    QueryFailed,
    ValueLost,
)
from dvt.drivers.postgres import translate
from dvt.drivers.postgres.errors import connecting

CASES: list[tuple[Exception, type[DvtError], str]] = [
    (
        duckdb.IOException("IO Error: Failed to fetch header for COPY: ERROR:  division by zero\n"),
        QueryFailed,
        "division",
    ),
    (
        duckdb.IOException(
            "IO Error: Failed to fetch header for COPY: "
            "FATAL:  terminating connection due to administrator command\n"
        ),
        ConnectionLost,
        "terminating",
    ),
    (
        duckdb.IOException(
            "IO Error: Failed to fetch header for COPY: "
            "server closed the connection unexpectedly\n\tThis probably means"
        ),
        ConnectionLost,
        "server closed",
    ),
    (
        duckdb.Error(
            "Failed to prepare COPY \"COPY (SELECT ... ('dvt134|amount|' || x)) TO STDOUT\": "
            'ERROR:  invalid input syntax for type numeric: "dvt134|amount|NaN"\n'
        ),
        ValueLost,
        "column amount: NaN",
    ),
    (duckdb.Error('Failed to execute query "ROLLBACK": '), ConnectionLost, "closed"),
    (psycopg2.OperationalError("connection already closed"), ConnectionLost, "closed"),
    (
        duckdb.InvalidInputException("Invalid Input Error: a VARCHAR value with a NULL-byte. P\nhint"),
        ValueLost,
        "NULL-byte",
    ),
]


@pytest.mark.parametrize(("error", "kind", "said"), CASES)
def test_what_the_server_says_is_said_as_ours(error: Exception, kind: type[DvtError], said: str) -> None:
    found = translate(error, name="pg", doing="extracting t", where="pg:s.t")
    assert isinstance(found, kind), found
    assert said in str(found)
    assert "COPY (SELECT" not in str(found)


def test_what_was_stopped_was_cancelled() -> None:
    assert isinstance(translate(CASES[0][0], name="pg", doing="reading", stopped=True), Cancelled)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (
            'connection to server at "h", port 1 failed: FATAL:  password authentication failed for user "u"',
            LoginRefused,
        ),
        ('connection to server at "h", port 1 failed: FATAL:  role "u" does not exist', LoginRefused),
        ('connection to server at "h", port 1 failed: FATAL:  database "d" does not exist', ConnectFailed),
        ('connection to server at "h", port 1 failed: Connection refused\n\tIs the server', ConnectFailed),
    ],
)
def test_why_there_is_no_connection(said: str, kind: type[DvtError]) -> None:
    assert isinstance(connecting("pg", "h:1/d", psycopg2.OperationalError(said)), kind)
