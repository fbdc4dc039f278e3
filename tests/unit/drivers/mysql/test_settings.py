"""Outputs of type mysql and mariadb: keys, aliases, and keys that cannot be honoured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import BadOutput
from dvt.drivers.mysql import MySQLSettings, parse

FOLDER = Path(__file__).parent
OUTPUT = {"type": "mysql", "host": "db", "user": "me", "password": "pl4nted", "schema": "shop"}


def settings(**keys: Any) -> MySQLSettings:
    return parse("erp", OUTPUT | keys, FOLDER)


def refused(**keys: Any) -> str:
    with pytest.raises(BadOutput) as caught:
        settings(**keys)
    message = str(caught.value)
    assert "'erp'" in message
    assert "pl4nted" not in message
    assert caught.value.__cause__ is None
    return message


def test_keys_that_are_not_given_have_their_defaults():
    parsed = settings()
    assert (parsed.where, parsed.schema_, parsed.user) == ("db:3306", "shop", "me")
    assert (parsed.connect_timeout, parsed.consistent_reads, parsed.ssl_mode) == (5, "off", "preferred")


def test_aliases_of_dbts_keys_are_read():
    output = {"type": "mysql", "server": "db", "username": "me", "password": "x", "database": "shop"}
    assert parse("erp", output, FOLDER) == settings(password="x")


def test_an_alias_with_another_value_is_refused():
    assert "host and server are one key, and differ" in refused(server="elsewhere")


def test_an_alias_with_the_same_value_is_accepted():
    assert settings(server="db").host == "db"


def test_values_from_the_environment_are_text():
    parsed = settings(port="3307", connect_timeout="2.5", ssl_disabled="true", password=123)
    assert (parsed.port, parsed.connect_timeout, parsed.ssl_disabled) == (3307, 2.5, True)
    assert parsed.password.get_secret_value() == "123"


@pytest.mark.parametrize("key", ["threads", "zero_dates", "max_connections"])
def test_keys_that_others_read_are_ignored(key: str):
    assert settings(**{key: "4"}) == settings()


def test_a_key_that_is_null_is_a_key_not_given():
    assert settings(ssl_ca=None, port=None) == settings()


@pytest.mark.parametrize("key", ["ssl_cipher", "auth_plugin", "unix_socket", "sslca", "charset"])
def test_a_key_that_the_driver_cannot_honour_is_refused(key: str):
    assert f"{key} is a key it cannot honour" in refused(**{key: "pl4nted"})


def test_a_mistyped_key_names_the_nearest():
    assert "did you mean ssl_ca?" in refused(sslca="x")


@pytest.mark.parametrize("key", ["host", "user", "schema"])
def test_a_missing_key_is_named(key: str):
    assert f"{key} is missing" in refused(**{key: None})


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"port": "many"}, "port"),
        ({"port": 70_000}, "port"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"consistent_reads": "always"}, "consistent_reads"),
        ({"ssl_ca": "nowhere.pem"}, "there is no file"),
        ({"ssl_ca": __file__, "ssl_disabled": True}, "ssl_disabled contradicts"),
        ({"ssl_cert": __file__, "ssl_key": __file__}, "ssl_cert and ssl_key need each other, and ssl_ca"),
        ({"ssl_cert": __file__, "ssl_ca": __file__}, "ssl_cert and ssl_key need each other, and ssl_ca"),
    ],
)
def test_invalid_values_are_refused(keys: dict[str, Any], problem: str):
    assert problem in refused(**keys)


def test_files_are_relative_to_the_project():
    parsed = settings(ssl_ca=Path(__file__).name)
    assert parsed.ssl_ca == Path(__file__)


def test_a_ca_means_that_the_servers_name_is_verified():
    assert settings(ssl_ca=__file__).ssl_mode == "verify_identity"
    assert settings(ssl_disabled=True).ssl_mode == "disabled"
    assert settings(ssl_disabled=False).ssl_mode == "preferred"


def test_a_bare_off_of_yaml_is_read_as_the_word():
    assert settings(consistent_reads=False).consistent_reads == "off"


def test_settings_do_not_show_the_password():
    assert "pl4nted" not in repr(settings())
