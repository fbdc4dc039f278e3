"""Redshift's settings, types, catalog and errors, without a server."""

from __future__ import annotations

import pytest
import redshift_connector

from dvt.core.errors import BadOutput, Cancelled, ConnectionLost, LoginRefused, QueryFailed, TableNotFound
from dvt.core.names import TableRef
from dvt.drivers.redshift import as_dvt_errors, describe, is_refused, parse
from dvt.drivers.redshift.errors import connect_error
from dvt.drivers.redshift.types import map_column

OUTPUT = {"host": "c1.redshift.amazonaws.com", "user": "ann", "password": "s3cret", "dbname": "dw"}


class Catalog:
    """Answers the catalog's queries from rows; notes what was asked."""

    def __init__(self, tables=(), unbound=(), external=()):
        self.answers = {
            "information_schema.columns": tables,
            "late_binding": unbound,
            "svv_external": external,
            "information_schema.tables": [(row[1],) for row in tables],
        }
        self.asked = []

    def rows(self, sql):
        self.asked.append(sql)
        return next(rows for name, rows in self.answers.items() if name in sql)


def described(catalog, *names, **parts):
    refs = [TableRef(connection="wh", schema="shop", identifier=name, **parts) for name in names]
    tables = describe(catalog, refs, name="wh", settings=parse("wh", OUTPUT))
    return [[(column.name, column.native) for column in tables[ref].columns] for ref in refs]


def test_a_login_by_iam_has_no_password_and_names_the_cluster():
    settings = parse("wh", {**OUTPUT, "method": "iam", "cluster_id": "c1", "region": "eu-west-1"})
    arguments = settings.arguments()
    assert (arguments["iam"], arguments["db_user"], arguments["cluster_identifier"]) == (True, "ann", "c1")
    assert (arguments["user"], arguments["password"]) == ("", "")
    serverless = parse("wh", {**OUTPUT, "method": "iam", "host": "w.1.eu.redshift-serverless.amazonaws.com"})
    assert "cluster_identifier" not in serverless.arguments()
    assert serverless.arguments()["is_serverless"] is True


@pytest.mark.parametrize(
    ("mode", "ssl", "verified"),
    [("disable", False, None), ("prefer", True, "verify-ca"), ("verify-full", True, "verify-full")],
)
def test_connections_are_encrypted_as_dbt_redshift_does(mode, ssl, verified):
    arguments = parse("wh", {**OUTPUT, "sslmode": mode}).arguments()
    assert (arguments["ssl"], arguments["sslmode"]) == (ssl, verified)


@pytest.mark.parametrize(
    "keys",
    [
        {"method": "browser_identity_center"},
        {"method": "iam_role"},
        {"token_endpoint": {"type": "okta", "token": "s3cret"}},
        {"sslmode": "maybe"},
        {"port": "many"},
        {"host": None},
    ],
    ids=str,
)
def test_a_key_that_cannot_be_honoured_is_refused_without_secrets(keys):
    with pytest.raises(BadOutput) as caught:
        parse("wh", {**OUTPUT, **keys})
    assert "s3cret" not in str(caught.value)


def test_names_of_types_of_external_tables_are_those_of_the_catalog():
    for native, expected in {
        "int": "integer", "bigint": "bigint", "double": "double precision", "string": "character varying",
        "varchar(20)": "character varying(20)", "decimal(10,2)": "numeric(10,2)",
        "timestamp": "timestamp without time zone", "boolean": "boolean",
    }.items():  # fmt: skip
        column = map_column("c", native)
        assert (column.native, is_refused(column)) == (expected, False)


@pytest.mark.parametrize(
    "native", ["geometry", "geography", "hllsketch", "array<int>", "struct<a:int>", "numeric", "decimal"]
)
def test_a_type_without_a_form_in_staging_is_refused_by_name(native):
    column = map_column("c", native)
    assert is_refused(column)
    assert column.loses is not None


def test_only_exact_numbers_are_compared_at_the_source():
    exact = {"smallint", "integer", "bigint", "numeric(38,10)"}
    others = {"real", "double precision", "varchar(5)", "char(5)", "date", "timestamp", "boolean", "super"}
    assert {native for native in exact | others if map_column("c", native).exact} == exact


def test_views_without_binding_and_external_tables_are_described():
    catalog = Catalog(
        tables=[("shop", "orders", "id", "integer", 32, 0), ("shop", "orders", "total", "numeric", 10, 2)],
        unbound=[("shop", "latest", "word", "character varying(20)", None, None)],
        external=[("shop", "events", "at", "timestamp", None, None)],
    )
    assert described(catalog, "orders", "latest", "events") == [
        [("id", "integer"), ("total", "numeric(10,2)")],
        [("word", "character varying(20)")],
        [("at", "timestamp without time zone")],
    ]
    assert len(catalog.asked) == 3


def test_a_name_in_other_letter_case_is_found_as_redshift_folds_it():
    catalog = Catalog(tables=[("shop", "orders", "id", "integer", 32, 0)])
    assert described(catalog, "Orders") == [[("id", "integer")]]
    with pytest.raises(TableNotFound):
        described(catalog, "orders", database="elsewhere")


def failed(message, code="XX000", **more):
    with pytest.raises(Exception) as caught, as_dvt_errors(name="wh", doing="unloading", **more):  # noqa: PT011
        raise redshift_connector.ProgrammingError({"S": "ERROR", "C": code, "M": message})
    return caught.value


def test_an_error_that_repeats_the_statement_shows_no_credentials():
    error = failed("syntax error near SECRET_ACCESS_KEY 'abc/+s3cret'", "42601", secrets=("abc/+s3cret",))
    assert isinstance(error, QueryFailed)
    assert "s3cret" not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_errors_are_told_apart_by_their_codes():
    assert isinstance(failed("canceling statement", "57014"), Cancelled)
    assert isinstance(failed("terminating connection", "57P01"), ConnectionLost)
    refused = redshift_connector.InterfaceError({"C": "28000", "M": "password authentication failed"})
    assert isinstance(connect_error("wh", "c1:5439/dw", refused), LoginRefused)
    gone = connect_error(
        "wh", "c1:5439/dw", redshift_connector.InterfaceError("communication error", OSError())
    )
    assert gone.transient
