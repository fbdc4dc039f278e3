"""Addresses of databases of tables: what they may say, and what is told of one that is wrong."""

from __future__ import annotations

import sys

import pytest
from pymysql.err import OperationalError
from sqlalchemy.exc import DBAPIError

from dvt.core.errors import RowsMisdescribed, RowsUnreachable
from dvt.lifecycle.tables.database import Database


@pytest.mark.parametrize("kind", ["mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"])
def test_a_database_of_mysql_has_one_name_whatever_it_is_called(kind):
    database = Database("mine", f"{kind}://u:p%40ss@db:3307/airflow?connect_timeout=3&ssl_disabled=true")
    assert database.label == "mysql://db:3307/airflow"
    assert database.dialect.secrets == ("p@ss",)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://u:geheim@h", "lacks database"),
        ("mysql://h/d", "lacks username"),
        ("mysql:///d", "lacks username and host"),
        ("mysql://u:geheim@h:x/d", "not written as an address"),
        ("mysql://u:geheim@h:70000/d", "port: "),
        ("mysql://u:geheim@h/d?charset=utf8mb4&ssl_kay=geheim", "cannot honour: charset, ssl_kay"),
        ("mysql://u:geheim@h/d?connect_timeout=geheim", "connect_timeout: "),
        ("mysql://u:geheim@h/d?ssl_ca=/nowhere/ca.pem", "ssl_ca: there is no file /nowhere/ca.pem"),
        ("mysql://u:geheim@h/d?ssl_disabled=true&ssl_ca=/ca.pem", "ssl_disabled contradicts"),
        ("mysql+mysqldb://u:geheim@h/d", "`url` should be postgresql://"),
        ("oracle://u:geheim@h/d", "mariadb://"),
    ],
)
def test_an_address_that_is_wrong_is_refused_without_its_password(url, problem):
    with pytest.raises(RowsMisdescribed) as caught:
        Database("mine", url)
    assert problem in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert "profiles.yml" not in str(caught.value)


def test_a_missing_driver_is_told_with_what_installs_it(monkeypatch):
    database = Database("mine", "mysql://u:geheim@h/d")
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(RowsUnreachable) as caught, database.reading():
        pass
    assert "pip install 'dvt-engine[mysql]'" in str(caught.value)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("denied for geheim\nand more", "denied for ***"),
        ("Duplicate entry 'it's\n for key' for key 'email'", "Duplicate entry for key 'email'"),
    ],
)
def test_an_error_of_the_server_is_told_in_its_words_without_values_and_passwords(message, told):
    database = Database("mine", "mysql://u:geheim@h/d")
    assert database.told(DBAPIError("SELECT", {}, OperationalError(1045, message))) == told
