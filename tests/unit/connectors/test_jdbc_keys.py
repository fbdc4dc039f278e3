"""Keys of dbt's adapters become those of JDBC drivers, or are refused; real drivers take what comes out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dvt.connectors.jdbc import clickhouse, databricks, oracle, sqlserver
from dvt.core.errors import BadOutput, DvtError
from dvt.drivers.jdbc import Bridge, Session, parse
from tests.databases.jars import jars_of
from tests.databases.ports import free_port

SECRET = "s3cret-w0rd"
KEYS: Mapping[str, dict[str, Any]] = {
    "sqlserver": {"server": "h", "user": "me", "password": SECRET, "database": "shop", "schema": "dbo"},
    "oracle": {"host": "h", "user": "me", "pass": SECRET, "service": "orcl", "schema": "SHOP"},
    "clickhouse": {"host": "h", "user": "me", "password": SECRET, "schema": "shop"},
    "databricks": {"host": "h", "http_path": "/sql/1.0/w", "token": SECRET, "catalog": "main", "schema": "s"},
}
MAKERS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "sqlserver": lambda output: sqlserver.jdbc_keys("erp", output),
    "oracle": lambda output: oracle.jdbc_keys("erp", output),
    "clickhouse": lambda output: clickhouse.jdbc_keys("erp", output, Path("/project")),
    "databricks": lambda output: databricks.jdbc_keys("erp", output),
}


def keys(kind: str, **more: Any) -> dict[str, Any]:
    return MAKERS[kind]({"type": kind, "threads": 4} | KEYS[kind] | more)


@pytest.mark.parametrize(
    ("kind", "more", "url"),
    [
        ("sqlserver", {}, "jdbc:sqlserver://h:1433"),
        ("sqlserver", {"server": None, "host": "h\\inst"}, "jdbc:sqlserver://h"),
        ("oracle", {}, "jdbc:oracle:thin:@tcp://h:1521/orcl"),
        ("oracle", {"protocol": "tcps", "port": "2484"}, "jdbc:oracle:thin:@tcps://h:2484/orcl"),
        ("oracle", {"service": None, "dbname": "db"}, "jdbc:oracle:thin:@tcp://h:1521/db"),
        ("oracle", {"host": None, "tns_name": "sales"}, "jdbc:oracle:thin:@sales"),
        ("oracle", {"connection_string": "h2:1522/x"}, "jdbc:oracle:thin:@h2:1522/x"),
        ("clickhouse", {}, "jdbc:clickhouse:http://h:8123/shop"),
        ("clickhouse", {"secure": True}, "jdbc:clickhouse:https://h:8443/shop"),
        ("clickhouse", {"port": 9000, "http_port": 81}, "jdbc:clickhouse:http://h:81/shop"),
        ("databricks", {}, "jdbc:databricks://h:443"),
    ],
)
def test_an_address_becomes_a_url_without_a_secret(kind, more, url):
    assert keys(kind, **more)["url"] == url


@pytest.mark.parametrize("kind", KEYS)
def test_logins_are_no_part_of_the_url_and_masked(kind):
    made = keys(kind)
    parsed = parse("erp", made | {"maven": ["a:b:1"]}, Path())
    assert SECRET not in parsed.address
    assert SECRET in parsed.secrets
    assert SECRET not in repr(parsed)


def test_options_of_the_adapters_become_properties():
    made = keys("sqlserver", encrypt=False, trust_cert=True, server="h\\inst")["properties"]
    assert (made["encrypt"], made["trustServerCertificate"], made["instanceName"]) == (False, True, "inst")
    assert made["databaseName"] == "shop"
    made = keys("clickhouse", custom_settings={"max_threads": 2}, client_cert="c.pem")["properties"]
    assert made == {"clickhouse_setting_max_threads": 2, "sslcert": "/project/c.pem"}
    made = keys("databricks", token=None, client_id="id", client_secret=SECRET, auth_type="oauth")
    assert made["properties"]["AuthMech"] == "11"
    assert made["properties"]["OAuth2Secret"] == SECRET
    assert made["java_options"] == ["--add-opens=java.base/java.nio=ALL-UNNAMED"]
    assert keys("databricks", java_options="-Xss2m")["java_options"][1:] == ["-Xss2m"]


def test_the_folder_of_names_is_passed_to_oracles_driver(monkeypatch):
    monkeypatch.setenv("TNS_ADMIN", "/etc/tns")
    assert keys("oracle", host=None, tns_name="x")["properties"] == {"oracle.net.tns_admin": "/etc/tns"}


@pytest.mark.parametrize(
    ("kind", "more", "problem"),
    [
        ("sqlserver", {"windows_login": True}, "windows_login"),
        ("sqlserver", {"authentication": "ActiveDirectoryInteractive"}, "authentication"),
        ("sqlserver", {"server": "h;password=x"}, "host"),
        ("sqlserver", {"UID": "another"}, "differ"),
        ("sqlserver", {"database": None}, "database"),
        ("oracle", {"host": None}, "connection_string"),
        ("oracle", {"service": None}, "service"),
        ("oracle", {"shardingkey": ["a"]}, "shardingkey"),
        ("clickhouse", {"driver": "native"}, "http_port"),
        ("clickhouse", {"port": 9440}, "http_port"),
        ("clickhouse", {"verify": False}, "verify"),
        ("clickhouse", {"database": "other"}, "database"),
        ("clickhouse", {"server_host_name": "x"}, "server_host_name"),
        ("databricks", {"token": None}, "token"),
        ("databricks", {"http_path": None}, "http_path"),
        ("databricks", {"azure_client_secret": SECRET}, "azure_client_secret"),
    ],
)
def test_what_it_cannot_honour_is_refused_without_its_value(kind, more, problem):
    with pytest.raises(BadOutput, match=problem) as caught:
        keys(kind, **more)
    assert SECRET not in str(caught.value)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "driver"),
    [
        ("sqlserver", "com.microsoft.sqlserver:mssql-jdbc:12.10.1.jre11"),
        ("oracle", "com.oracle.database.jdbc:ojdbc11:23.8.0.25.04"),
        ("databricks", "com.databricks:databricks-jdbc:3.0.1"),
    ],
)
def test_the_real_driver_takes_url_and_properties_and_tries_to_connect(kind, driver, tmp_path):
    place = {"host": "127.0.0.1", "port": free_port()}
    made = keys(kind, server=None, **place) if kind == "sqlserver" else keys(kind, host=place["host"])
    if kind == "oracle":
        made = keys(kind, **place)
    settings = parse(
        "erp", made | {"jar": [str(jar) for jar in jars_of(driver)], "connect_timeout": 5}, Path()
    )
    bridge = Bridge("erp", settings, tmp_path, lambda: Path(tempfile.mkdtemp(dir=tmp_path)))
    try:
        with pytest.raises(DvtError) as caught:
            Session(bridge, "erp", settings)
    finally:
        bridge.close()
    assert caught.value.code == "DVT130", caught.value  # not DVT225: no driver, or it refuses the URL
    assert SECRET not in str(caught.value)
