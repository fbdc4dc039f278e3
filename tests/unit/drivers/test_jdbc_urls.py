"""No message shows a password, wherever a driver has it in its URL."""

from __future__ import annotations

import pytest

from dvt.core.masking import masked
from dvt.drivers.jdbc.urls import Url

SECRET = "s3cret-tiger"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("jdbc:oracle:thin:scott/{}@//host:1521/svc", "jdbc:oracle:thin://host:1521/svc"),
        ("jdbc:oracle:thin:scott/{}@host:1521:sid", "jdbc:oracle:thin:host:1521:sid"),
        ('jdbc:oracle:thin:scott/"a?{}"@//host/svc', "jdbc:oracle:thin:scott"),
        ("jdbc:mysql://user:{}@host/db", "jdbc:mysql://host/db"),
        ("jdbc:mysql://user:a/{}@x@host/db?useSSL=true", "jdbc:mysql://host/db"),
        ("jdbc:mysql://user:a?{}@host/db", "jdbc:mysql://user"),
        ("jdbc:mysql://user:a={}@host/db", "jdbc:mysql://user"),
        ("jdbc:mysql://address=(host=h)(user=u)(password={})/db", "jdbc:mysql://address="),
        ("jdbc:mysql://(host=h,port=1,user=u,password={})/db", "jdbc:mysql://"),
        ("jdbc:teradata://host/USER=u,PASSWORD={}", "jdbc:teradata://host"),
        ("jdbc:db2://host:50000/db:password={};user=x;", "jdbc:db2://host:50000/db"),
        ("jdbc:sqlserver://host:1433;databaseName=d;password={};user=a@b", "jdbc:sqlserver://host"),
        ("jdbc:postgresql://host:5432/db?user=a@b&password={}", "jdbc:postgresql://host"),
        ("jdbc:h2:tcp://host/./db;PASSWORD={}", "jdbc:h2:tcp://host/./db"),
    ],
)
def test_a_password_is_neither_shown_nor_left_in_a_drivers_text(url, shown):
    address = Url(url.format(SECRET))
    assert address.shown == shown
    text = f"cannot connect to {address.text}: {SECRET} is refused"
    assert SECRET not in masked(text, sorted(address.hidden, key=len, reverse=True))


@pytest.mark.parametrize(
    "url",
    ["jdbc:postgresql://[::1]:5432/db", "jdbc:h2:tcp://host/./db", "jdbc:hsqldb:mem:x", "jdbc:exa:h:8563"],
)
def test_a_url_without_a_password_is_shown_as_it_is(url):
    assert Url(url).shown == url
    assert Url(url).hidden == frozenset()
