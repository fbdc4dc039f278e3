from __future__ import annotations

from typing import Any

import pytest

from dvt.core.errors import BadOutput
from dvt.drivers.postgres import parse

OUTPUT: dict[str, Any] = {
    "type": "postgres", "host": "db", "user": "u", "pass": "s3cret", "dbname": "shop", "schema": "marts",
    "threads": 4,
}  # fmt: skip


def test_dbts_keys_and_their_aliases_are_read() -> None:
    settings = parse(
        "pg", OUTPUT | {"port": "5433", "role": "r", "sslmode": "verify-full", "sslrootcert": "/ca"}
    )
    aliased = parse("pg", {"host": "db", "user": "u", "password": "s3cret", "database": "shop"})
    assert (settings.where, settings.schema_, aliased.schema_) == ("db:5433/shop", "marts", "public")
    assert settings.password is not None
    assert settings.password == aliased.password
    assert settings.password.get_secret_value() == "s3cret"
    assert settings.options()["sslmode"] == "verify-full"
    assert settings.options()["sslrootcert"] == "/ca"
    assert not {"password", "user"} & set(settings.options())


@pytest.mark.parametrize(
    "key",
    ["sslcrl", "sslpassword", "gssencmode", "krbsrvname", "service", "method", "passfile", "channel_binding"],
)
def test_a_way_to_log_in_that_it_cannot_honour_is_refused(key: str) -> None:
    with pytest.raises(BadOutput, match=key) as caught:
        parse("pg", OUTPUT | {key: "s3cret-value"})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"host": None}, "host is missing"),
        ({"port": "many"}, "port"),
        ({"password": "other"}, "one key, and differ"),
        ({"database": "other"}, "one key, and differ"),
    ],
)
def test_an_error_names_the_wrong_key_without_secrets(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadOutput, match=message) as caught:
        parse("pg", OUTPUT | change)
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__!r}"


def test_settings_do_not_show_the_password() -> None:
    assert "s3cret" not in repr(parse("pg", OUTPUT))


def test_keys_that_only_dbt_reads_are_ignored() -> None:
    assert (
        parse("pg", OUTPUT | {"keepalives_idle": 30, "autocommit": True}).options()["keepalives_idle"] == "30"
    )
