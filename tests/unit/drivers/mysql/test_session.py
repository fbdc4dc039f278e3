"""Settings of sessions that write, and kinds of statements. MySQL itself was not run."""

from __future__ import annotations

import pytest

from dvt.drivers.mysql import flavour_of, statement_kind


@pytest.mark.parametrize("version", ["10.11.6-MariaDB", "8.4.3", "5.7.44"])
def test_every_session_that_writes_is_strict_and_in_utc(version: str):
    text = flavour_of(version).session
    assert text.startswith("SET SESSION sql_mode = '")
    assert "STRICT_TRANS_TABLES" in text
    assert "time_zone = '+00:00'" in text


def test_mysql_8_knows_no_mode_that_8_0_removed():
    assert "NO_AUTO_CREATE_USER" not in flavour_of("8.0.40").session
    assert "NO_AUTO_CREATE_USER" in flavour_of("10.6.1-MariaDB").session


def test_groups_are_as_strict_as_each_server_is_by_itself():
    assert "ONLY_FULL_GROUP_BY" in flavour_of("8.0.40").session
    assert "ONLY_FULL_GROUP_BY" not in flavour_of("10.6.1-MariaDB").session


def test_mysql_8_reports_current_statistics_of_tables():
    assert "information_schema_stats_expiry = 0" in flavour_of("8.0.40").session
    assert "information_schema_stats_expiry" not in flavour_of("10.6.1-MariaDB").session


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
def test_a_statements_kind_is_read_from_its_text(sql: str, word: str):
    assert statement_kind(sql) == word
