"""dbt-trino's keys become the JDBC driver's, or are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvt.connectors.jdbc.trino import jdbc_keys
from dvt.core.errors import BadOutput

KEYS = {"type": "trino", "host": "h", "port": 8443, "user": "me", "database": "hive", "schema": "sales"}


def keys(**more):
    return jdbc_keys("lake", KEYS | more, Path("/project"))


def test_an_address_becomes_a_url():
    made = keys(threads=4, retries=3, fetch_size=10)
    assert made["url"] == "jdbc:trino://h:8443/hive"
    assert (made["user"], made["schema"], made["fetch_size"]) == ("me", "sales", 10)
    assert made["properties"] == {"source": "dvt"}
    assert keys(catalog="iceberg", database=None)["url"] == "jdbc:trino://h:8443/iceberg"


def test_logins_become_properties_and_are_encrypted():
    assert keys(method="ldap", password="s3cret")["properties"]["SSL"] == "true"
    assert keys(method="ldap", password="s3cret")["password"] == "s3cret"
    token = keys(method="jwt", jwt_token="t0ken")["properties"]
    assert (token["accessToken"], token["SSL"]) == ("t0ken", "true")


def test_certificates_roles_tags_and_settings_become_properties():
    made = keys(
        http_scheme="https",
        cert="ca.pem",
        roles={"hive": "admin", "x": "y"},
        client_tags=["a", "b"],
        session_properties={"query_max_run_time": "1h"},
        impersonation_user="other",
    )["properties"]
    assert made["SSLTrustStorePath"] == "/project/ca.pem"
    assert made["roles"] == "hive:admin;x:y"
    assert made["clientTags"] == "a,b"
    assert made["sessionProperties"] == "query_max_run_time:1h"
    assert made["sessionUser"] == "other"
    assert keys(http_scheme="https", cert=False)["properties"]["SSLVerification"] == "NONE"


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"method": "kerberos"}, "method"),
        ({"http_headers": {"X": "s3cret"}}, "http_headers"),
        ({"method": "ldap"}, "password"),
        ({"method": "jwt"}, "jwt_token"),
        ({"database": None}, "database"),
    ],
)
def test_what_it_cannot_honour_is_refused_without_its_value(more, problem):
    with pytest.raises(BadOutput, match=problem) as caught:
        keys(**more)
    assert "s3cret" not in str(caught.value)
