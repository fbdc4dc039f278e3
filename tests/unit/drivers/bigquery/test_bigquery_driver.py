"""BigQuery's settings, types, clients and errors, without a server."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys

import duckdb
import pytest
from google.api_core import exceptions
from google.auth.exceptions import RefreshError

from dvt.connectors.bigquery.statements import with_wide_numbers
from dvt.core.errors import (
    BadOutput,
    Cancelled,
    ConnectionLost,
    LoginRefused,
    QueryFailed,
    RowRefused,
    ValueLost,
)
from dvt.core.types import StageType
from dvt.drivers.bigquery import as_dvt_errors, connect, is_refused, load_type, parse
from dvt.drivers.bigquery.errors import translate
from dvt.drivers.bigquery.types import map_column

OUTPUT = {"method": "oauth-secrets", "token": "s3cret-t0ken", "project": "acme", "dataset": "shop"}


def test_keys_are_those_of_dbt_bigquery_with_its_aliases():
    other = {"method": "oauth", "database": "acme", "schema": "shop", "timeout_seconds": 5, "retries": 0}
    settings = parse("wh", other)
    assert (settings.project, settings.dataset) == ("acme", "shop")
    assert (settings.job_execution_timeout_seconds, settings.job_retries) == (5, 0)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"method": "external-oauth-wif"}, "method: external-oauth-wif"),
        ({"method": None}, "method is missing"),
        ({"dataset": None}, "dataset is missing"),
        ({"token": None}, "needs token or refresh_token"),
        ({"method": "service-account"}, "needs keyfile"),
        ({"method": "service-account-json", "keyfile_json": "{s3cret"}, "keyfile_json"),
        ({"priority": "s3cret"}, "priority"),
        ({"bulk_rows": "s3cret"}, "bulk_rows"),
    ],
    ids=str,
)
def test_a_wrong_key_is_named_without_its_value(keys, told):
    with pytest.raises(BadOutput) as caught:
        parse("wh", {**OUTPUT, **keys})
    assert told in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_key_file_may_be_keys_a_text_or_base64():
    key = {"type": "service_account", "private_key": "a\\nb"}
    texts = [key, json.dumps(key), base64.b64encode(json.dumps(key).encode()).decode()]
    for text in texts:
        settings = parse("wh", {"method": "service-account-json", "dataset": "d", "keyfile_json": text})
        assert settings.key["private_key"] == "a\nb"
        assert "a" not in repr(settings).partition("keyfile_json")[2][:12]


def test_a_key_that_is_none_refuses_the_login_and_is_not_shown():
    key = {
        "type": "service_account",
        "client_email": "a@b",
        "token_uri": "https://x",
        "private_key": "s3cret",
    }
    with pytest.raises(LoginRefused) as caught:
        connect("wh", parse("wh", {"method": "service-account-json", "dataset": "d", "keyfile_json": key}))
    assert "s3cret" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("kind", "sizes", "stage"),
    [
        ("INTEGER", (), "BIGINT"),
        ("FLOAT", (), "DOUBLE"),
        ("BOOLEAN", (), "BOOLEAN"),
        ("NUMERIC", (), "DECIMAL(38,9)"),
        ("NUMERIC", (10, 2), "DECIMAL(10,2)"),
        ("BIGNUMERIC", (38, 38), "DECIMAL(38,38)"),
        ("RECORD", (), "JSON"),
    ],
    ids=str,
)
def test_types_of_the_api_are_staged(kind, sizes, stage):
    assert map_column("a", kind, sizes).stage == StageType.parse(stage)


def test_what_cannot_be_staged_is_refused_and_only_whole_numbers_are_exact():
    wide = [map_column("a", "BIGNUMERIC"), map_column("a", "BIGNUMERIC", (39, 0))]
    others = [map_column("a", kind) for kind in ("GEOGRAPHY", "INTERVAL", "RANGE", "WHATEVER")]
    assert all(map(is_refused, [*wide, *others, map_column("a", "TIMESTAMP", digits=12)]))
    kinds = ("INT64", "NUMERIC", "FLOAT64", "STRING", "DATE", "TIMESTAMP", "JSON", "BOOL")
    assert [kind for kind in kinds if map_column("a", kind).exact] == ["INT64"]


@pytest.mark.parametrize(
    ("type_", "native"),
    [
        ("DECIMAL(38,9)", "NUMERIC(38,9)"),
        ("DECIMAL(30,0)", "BIGNUMERIC(30,0)"),
        ("DECIMAL(29,0)", "NUMERIC(29,0)"),
        ("DECIMAL(12,10)", "BIGNUMERIC(12,10)"),
    ],
)
def test_a_decimal_takes_the_narrowest_type_that_holds_it(type_, native):
    assert load_type(StageType.parse(type_)).native == native


@pytest.mark.parametrize(("value", "type_"), [("'10000-01-01'", "DATE"), ("'0001-01-01'", "DATE")])
def test_a_year_that_bigquery_lacks_is_named_before_anything_is_sent(value, type_):
    stage = StageType.parse(type_)
    sql = f"SELECT {load_type(stage).checked(f'CAST({value} AS {type_})', 'wh:t, column day')}"
    with duckdb.connect() as database:
        if value == "'0001-01-01'":
            assert str(database.execute(sql).fetchone()[0]) == "0001-01-01"
            return
        with pytest.raises(ValueLost, match="wh:t, column day"), as_dvt_errors(name="wh", doing="filling"):
            database.execute(sql).fetchall()


def test_whole_numbers_of_more_than_64_bits_are_literals_of_their_own():
    text = "`n` IN (9223372036854775807, -9223372036854775809) AND `t` = '99999999999999999999'"
    assert with_wide_numbers(text) == (
        "`n` IN (9223372036854775807, -BIGNUMERIC '9223372036854775809') AND `t` = '99999999999999999999'"
    )


def _error(status, reason, message):
    return exceptions.from_http_status(status, message, errors=[{"reason": reason, "message": message}])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (_error(200, "stopped", "Job execution was cancelled"), Cancelled),
        (_error(401, "authError", "Invalid Credentials"), LoginRefused),
        (_error(503, "backendError", "try again"), ConnectionLost),
        (_error(400, "invalid", "Required field a cannot be null"), RowRefused),
        (_error(400, "invalidQuery", "Numeric overflow: 1"), ValueLost),
        (_error(403, "accessDenied", "User does not have bigquery.jobs.create permission"), QueryFailed),
        (RefreshError("invalid_grant"), LoginRefused),
        (ConnectionResetError("reset"), ConnectionLost),
    ],
    ids=str,
)
def test_errors_are_translated(error, expected):
    assert type(translate(error, name="wh", doing="reading", where="wh:t")) is expected


def test_an_error_has_neither_the_request_nor_the_address_of_the_job():
    message = (
        "400 POST https://bigquery.googleapis.com/x?token=s3cret: Name a not found; reason: invalidQuery, "
        "location: query, message: Name a not found\n\nLocation: EU\nJob ID: 1-2\n"
    )
    error = translate(_error(400, "invalidQuery", message), name="wh", doing="reading")
    assert str(error) == "DVT133 'wh' failed while reading: Name a not found"


def test_a_server_that_is_silent_is_given_up(monkeypatch):
    connecting = sys.modules["dvt.drivers.bigquery.connect"]
    monkeypatch.setattr(connecting, "_SILENCE", 0.3)
    monkeypatch.setattr(connecting, "_RETRY_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        session = connect("wh", parse("wh", {**OUTPUT, "api_endpoint": f"http://127.0.0.1:{port}"}))
        with pytest.raises(ConnectionLost), as_dvt_errors(name="wh", doing="looking"):
            session.table(("acme", "shop", "orders"))
        session.close()


def test_the_client_is_not_imported_before_it_is_used():
    code = (
        "import sys; from dvt.connectors import CONNECTORS; CONNECTORS.load('bigquery');"
        " sys.exit('google.cloud.bigquery' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
