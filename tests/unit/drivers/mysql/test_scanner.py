"""Statements carry a mark to cancel them by, and settings that no server default changes."""

from __future__ import annotations

import pytest

from dvt.core.errors import ConnectFailed
from dvt.core.names import TableRef
from dvt.drivers.mysql import Scanner, parse, quoted, table, with_session_settings


def test_a_statement_carries_its_mark_and_its_settings():
    statement = with_session_settings("SELECT 1 AS a", "dvt abc", mariadb=True)
    assert statement.startswith("/* dvt abc */ SET STATEMENT sql_mode = '', time_zone = '+00:00'")
    assert statement.endswith(" FOR SELECT 1 AS a")


def test_a_models_settings_replace_the_usual_ones():
    settings = {"sql_mode": "STRICT_ALL_TABLES", "div_precision_increment": "7"}
    statement = with_session_settings("SELECT 1 AS a", "dvt abc", mariadb=True, settings=settings)
    assert "SET STATEMENT sql_mode = 'STRICT_ALL_TABLES', time_zone" in statement
    assert "div_precision_increment = 7" in statement


def test_mysql_takes_the_settings_as_hints():
    statement = with_session_settings("SELECT 1 AS a", "dvt abc", mariadb=False)
    assert statement.startswith("/* dvt abc */ SELECT /*+ SET_VAR(sql_mode = '')")
    assert "SET_VAR(time_zone = '+00:00') SET_VAR(sql_select_limit = 18446744073709551615)" in statement
    assert statement.endswith(") */ 1 AS a")


def test_names_are_quoted_exactly():
    assert quoted("a `b` \\ 'c'") == "`a ``b`` \\ 'c'`"
    assert table(TableRef(connection="erp", identifier="o"), "shop") == "`shop`.`o`"
    assert table(TableRef(connection="erp", schema="s t", identifier="o"), "shop") == "`s t`.`o`"


def test_a_scanner_that_cannot_connect_shows_nothing_of_its_secret(memory, tmp_path):
    output = {"host": "127.0.0.1", "port": 1, "user": "me", "password": "pl4nted 'x", "schema": "s"}
    scanner = Scanner("erp", parse("erp", output, tmp_path), memory)
    with pytest.raises(ConnectFailed) as caught, scanner.cursor():
        pass
    assert "pl4nted" not in str(caught.value)
    assert caught.value.__cause__ is None
    cursor = memory.cursor()
    assert cursor.execute("SELECT count(*) FROM duckdb_secrets()").fetchone() == (0,)
    assert cursor.execute("SELECT count(*) FROM duckdb_databases() WHERE type = 'mysql'").fetchone() == (0,)
    cursor.close()
