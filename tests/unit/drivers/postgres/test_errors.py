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
from dvt.drivers.postgres.errors import connect_error

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
    (
        duckdb.Error(
            'Failed to prepare COPY "COPY (SELECT ...) TO STDOUT": '
            'ERROR:  malformed array literal: "dvt134|days|{"infinity",NULL}"\n'
            'DETAIL:  Array value must start with "{" or dimension information.\n'
        ),
        ValueLost,
        'column days: {"infinity",NULL} cannot be staged',
    ),
    (
        duckdb.Error(
            "Failed to prepare COPY data: ERROR:  value out of range\n"
            'DETAIL:  Token "NaN" is invalid.\nCONTEXT:  JSON data, line 1: [NaN...\n'
            "COPY t, line 7, column odd\n"
        ),
        ValueLost,
        'column odd: value out of range: Token "NaN" is invalid.',
    ),
    (duckdb.Error('Failed to execute query "ROLLBACK": '), ConnectionLost, "closed"),
    (psycopg2.OperationalError("connection already closed"), ConnectionLost, "closed"),
    (
        duckdb.InvalidInputException("Invalid Input Error: a VARCHAR value with a NULL-byte. P\nhint"),
        ValueLost,
        "NULL-byte",
    ),
]


@pytest.mark.parametrize(("error", "kind", "message"), CASES)
def test_a_servers_error_becomes_dvts_with_its_message(
    error: Exception, kind: type[DvtError], message: str
) -> None:
    translated = translate(error, name="pg", doing="extracting t", where="pg:s.t")
    assert isinstance(translated, kind), translated
    assert message in str(translated)
    assert "COPY (SELECT" not in str(translated)


def test_an_error_after_a_stop_is_a_cancel() -> None:
    assert isinstance(translate(CASES[0][0], name="pg", doing="reading", stopped=True), Cancelled)


@pytest.mark.parametrize(
    ("message", "kind"),
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
def test_a_failed_login_is_told_from_a_failed_connection(message: str, kind: type[DvtError]) -> None:
    assert isinstance(connect_error("pg", "h:1/d", psycopg2.OperationalError(message)), kind)
