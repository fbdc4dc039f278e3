"""Sessions that write. MySQL itself was not run: these are the texts that it would be sent."""

from __future__ import annotations

import pytest

from dvt.drivers.mysql import flavour, statement


@pytest.mark.parametrize("version", ["10.11.6-MariaDB", "8.4.3", "5.7.44"])
def test_every_session_that_writes_is_strict_and_in_utc(version: str):
    text = flavour(version).session
    assert text.startswith("SET SESSION sql_mode = '")
    assert "STRICT_TRANS_TABLES" in text
    assert "time_zone = '+00:00'" in text


def test_mysql_8_knows_no_mode_that_8_0_removed():
    assert "NO_AUTO_CREATE_USER" not in flavour("8.0.40").session
    assert "NO_AUTO_CREATE_USER" in flavour("10.6.1-MariaDB").session


def test_groups_are_as_strict_as_each_server_is_by_itself():
    assert "ONLY_FULL_GROUP_BY" in flavour("8.0.40").session
    assert "ONLY_FULL_GROUP_BY" not in flavour("10.6.1-MariaDB").session


def test_mysql_8_tells_what_it_knows_of_tables_now():
    assert "information_schema_stats_expiry = 0" in flavour("8.0.40").session
    assert "information_schema_stats_expiry" not in flavour("10.6.1-MariaDB").session


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ('/* {"app": "dbt"} */\n  Insert into t', "insert"),
        ("-- a line\n(select 1)", "select"),
        ("# a line\nwith a as (select 1) select 2", "with"),
        ("create or replace view `v` as select 1", "create view"),
        ("Create Temporary table t (n int)", "create table"),
        ("/*!40101 set x = 1 */", ""),
        ("", ""),
    ],
)
def test_what_kind_of_statement_a_text_is(sql: str, word: str):
    assert statement(sql) == word
