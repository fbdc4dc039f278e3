from __future__ import annotations

from typing import Any

import pytest

from dvt.core.errors import BadOutput
from dvt.drivers.postgres import parse

OUTPUT: dict[str, Any] = {
    "type": "postgres", "host": "db", "user": "u", "pass": "s3cret", "dbname": "shop", "schema": "marts",
    "threads": 4,
}  # fmt: skip


def test_dbt_s_keys_and_their_aliases_are_read() -> None:
    one = parse("pg", OUTPUT | {"port": "5433", "role": "r", "sslmode": "verify-full", "sslrootcert": "/ca"})
    other = parse("pg", {"host": "db", "user": "u", "password": "s3cret", "database": "shop"})
    assert (one.where, one.schema_, other.schema_) == ("db:5433/shop", "marts", "public")
    assert one.password is not None
    assert one.password == other.password
    assert one.password.get_secret_value() == "s3cret"
    assert one.options()["sslmode"] == "verify-full"
    assert one.options()["sslrootcert"] == "/ca"
    assert not {"password", "user"} & set(one.options())


@pytest.mark.parametrize(
    "key",
    ["sslcrl", "sslpassword", "gssencmode", "krbsrvname", "service", "method", "passfile", "channel_binding"],
)
def test_a_way_to_log_in_that_it_cannot_honour_is_refused(key: str) -> None:
    with pytest.raises(BadOutput, match=key) as found:
        parse("pg", OUTPUT | {key: "s3cret-value"})
    assert "s3cret" not in str(found.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host": None}, "host is missing"),
        ({"port": "many"}, "port"),
        ({"password": "other"}, "one key, and differ"),
        ({"database": "other"}, "one key, and differ"),
    ],
)
def test_what_is_wrong_is_said_without_secrets(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOutput, match=said) as found:
        parse("pg", OUTPUT | change)
    assert "s3cret" not in f"{found.value} {found.value.__cause__} {found.value.__context__!r}"


def test_settings_do_not_show_the_password() -> None:
    assert "s3cret" not in repr(parse("pg", OUTPUT))


def test_keys_that_are_dbt_s_alone_are_left_alone() -> None:
    assert (
        parse("pg", OUTPUT | {"keepalives_idle": 30, "autocommit": True}).options()["keepalives_idle"] == "30"
    )
