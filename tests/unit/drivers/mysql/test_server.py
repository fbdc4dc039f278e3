"""What differs between servers. MySQL itself was not run: these are the texts that it would be sent."""

from __future__ import annotations

import pytest

from dvt.drivers.mysql import first_word, server_of


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("10.11.6-MariaDB-0+deb12u1", "MariaDB"),
        ("5.5.5-10.4.1-MariaDB", "MariaDB"),
        ("8.4.3", "MySQL"),
        ("9.1.0-cloud", "MySQL"),
        ("5.7.44-log", "MySQL 5"),
    ],
)
def test_a_server_is_what_its_version_says(version: str, name: str):
    assert server_of(version).name == name


@pytest.mark.parametrize("version", ["10.11.6-MariaDB", "8.4.3", "5.7.44"])
def test_every_session_that_writes_is_strict_and_in_utc(version: str):
    text = server_of(version).session
    assert text.startswith("SET SESSION sql_mode = '")
    assert "STRICT_TRANS_TABLES" in text
    assert "time_zone = '+00:00'" in text


def test_mysql_8_knows_no_mode_that_8_0_removed():
    assert "NO_AUTO_CREATE_USER" not in server_of("8.0.40").session
    assert "NO_AUTO_CREATE_USER" in server_of("10.6.1-MariaDB").session


def test_mysql_8_tells_what_it_knows_of_tables_now():
    assert "information_schema_stats_expiry = 0" in server_of("8.0.40").session
    assert "information_schema_stats_expiry" not in server_of("10.6.1-MariaDB").session


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ('/* {"app": "dbt"} */\n  Insert into t', "insert"),
        ("-- a line\n(select 1)", "select"),
        ("# a line\nwith a as (select 1) select 2", "with"),
        ("/*!40101 set x = 1 */", ""),
        ("", ""),
    ],
)
def test_what_kind_of_statement_a_text_is(sql: str, word: str):
    assert first_word(sql) == word
