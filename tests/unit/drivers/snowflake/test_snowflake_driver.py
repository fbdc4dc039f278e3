"""Snowflake's settings, types, catalog and errors, without a server."""

from __future__ import annotations

import base64

import duckdb
import pytest
import snowflake.connector.errors as client
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dvt.buckets.azure import AzureBucket
from dvt.buckets.gcs import GCSBucket
from dvt.buckets.s3 import S3Bucket
from dvt.connectors.snowflake.server import Server
from dvt.connectors.snowflake.statements import unload
from dvt.core.errors import (
    BadOutput,
    Cancelled,
    ConnectFailed,
    ConnectionLost,
    LoginRefused,
    QueryFailed,
    RowRefused,
    TableNotFound,
    TransferLoginMissing,
    ValueLost,
)
from dvt.core.names import TableRef
from dvt.core.ports.connectors import ConnectorContext
from dvt.drivers.duckdb import as_dvt_errors as as_duckdb_errors
from dvt.drivers.snowflake import as_dvt_errors, describe, is_refused, parse
from dvt.drivers.snowflake.connect import SESSION
from dvt.drivers.snowflake.errors import connect_error
from dvt.drivers.snowflake.types import map_column

OUTPUT = {"account": "my_org-acc", "user": "ann", "password": "s3cret", "database": "dw"}


class Service:
    """Answers the catalog's queries from columns by table; notes what was asked."""

    def __init__(self, tables, kind="STANDARD", **of_orders):
        self.tables, self.kind, self.header = tables, kind, []
        usual = {"table_schema": "SHOP", "table_name": "ORDERS", "table_type": "BASE TABLE"}
        self.orders = {**usual, "row_count": 7, "bytes": 700, "retention_time": "1", **of_orders}
        self.latest = dict.fromkeys(self.orders) | {
            "table_schema": "SHOP", "table_name": "LATEST", "table_type": "VIEW"
        }  # fmt: skip

    def rows(self, sql):
        if "information_schema.databases" in sql:
            return [(self.kind,)]
        if "SELECT *" in sql:
            self.header = [*self.orders]
            return [tuple(self.orders.values()), tuple(self.latest.values())]
        if "information_schema" in sql:
            return [("ORDERS",)]
        self.header = ["name", "type", "kind"]
        name = sql.removeprefix("DESCRIBE TABLE ")
        if name not in self.tables:
            raise client.ProgrammingError(
                msg="does not exist or not authorized", errno=2003, sqlstate="42S02"
            )
        return [(column, native, "COLUMN") for column, native in self.tables[name]]

    def named(self):
        return self.header


def test_logins_take_the_arguments_of_dbt_snowflake():
    arguments = parse("wh", {**OUTPUT, "role": "r", "warehouse": "w"}).arguments("wh")
    assert (arguments["account"], arguments["password"]) == ("my-org-acc", "s3cret")
    assert (arguments["role"], arguments["warehouse"], arguments["database"]) == ("r", "w", "dw")
    token = {"account": "a", "database": "d", "token": "t0ken"}
    assert parse("wh", {**token, "authenticator": "jwt"}).arguments("wh")["authenticator"] == "oauth"
    assert parse("wh", {**OUTPUT, "authenticator": "https://x.okta.com"}).user == "ann"


@pytest.mark.parametrize(
    "keys",
    [
        {"authenticator": "externalbrowser"},
        {"authenticator": "username_password_mfa"},
        {"authenticator": "workload_identity", "workload_identity_provider": "AWS"},
        {"authenticator": "oauth"},
        {"authenticator": "oauth", "token": "t", "oauth_client_id": "i"},
        {"authenticator": "snowflake_jwt"},
        {"password": None},
        {"user": None},
        {"database": None},
        {"port": "many"},
        {"private_key": "a", "private_key_path": "b"},
    ],
    ids=str,
)
def test_a_key_that_cannot_be_honoured_is_refused_without_secrets(keys):
    with pytest.raises(BadOutput) as caught:
        parse("wh", {**OUTPUT, **keys})
    assert "s3cret" not in f"{caught.value}{caught.value.hint}"


def test_private_keys_are_read_in_every_form(tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form, plain = serialization.Encoding, serialization.PrivateFormat, serialization.NoEncryption()
    locked = serialization.BestAvailableEncryption(b"pa55")
    expected = key.private_bytes(encoding.DER, form.PKCS8, plain)
    (tmp_path / "key.p8").write_bytes(key.private_bytes(encoding.PEM, form.PKCS8, locked))
    der = base64.b64encode(expected).decode()
    login = {key: value for key, value in OUTPUT.items() if key != "password"}
    for keys in (
        {"private_key_path": str(tmp_path / "key.p8"), "private_key_passphrase": "pa55"},
        {"private_key": key.private_bytes(encoding.PEM, form.TraditionalOpenSSL, plain).decode()},
        {"private_key": der},
    ):
        assert parse("wh", {**login, **keys}).arguments("wh")["private_key"] == expected
    for keys in (
        {"private_key_path": str(tmp_path / "key.p8"), "private_key_passphrase": "wr0ng"},
        {"private_key_path": str(tmp_path / "none.p8")},
        {"private_key": "bm8ga2V5"},
    ):
        with pytest.raises(BadOutput) as caught:
            parse("wh", {**login, **keys}).arguments("wh")
        assert not [word for word in ("pa55", "wr0ng", "bm8g") if word in str(caught.value)]


def test_sessions_set_what_would_change_rows_names_or_zones_silently():
    silent = ("TIMEZONE", "ROWS_PER_RESULTSET", "QUOTED_IDENTIFIERS_IGNORE_CASE")
    assert [SESSION[name] for name in silent] == ["UTC", 0, False]


@pytest.mark.parametrize(
    ("native", "stage"),
    [
        ("NUMBER(38,0)", "DECIMAL(38,0)"), ("number(10, 2)", "DECIMAL(10,2)"), ("INT", "DECIMAL(38,0)"),
        ("FLOAT", "DOUBLE"), ("VARCHAR(16777216)", "VARCHAR"), ("VARCHAR(5) COLLATE 'en-ci'", "VARCHAR"),
        ("BINARY(8388608)", "BLOB"), ("BOOLEAN", "BOOLEAN"), ("DATE", "DATE"), ("TIME(9)", "TIME"),
        ("TIMESTAMP_NTZ(9)", "TIMESTAMP"), ("TIMESTAMP_LTZ(9)", "TIMESTAMP WITH TIME ZONE"),
        ("TIMESTAMP_TZ(9)", "TIMESTAMP WITH TIME ZONE"), ("VARIANT", "JSON"),
        ("OBJECT", "JSON"), ("ARRAY", "JSON"),
    ],
)  # fmt: skip
def test_each_type_has_its_type_in_staging(native, stage):
    column = map_column("c", native, "t, column c")
    assert (str(column.stage), is_refused(column)) == (stage, False)
    assert bool(column.loses) == native.startswith("TIMESTAMP_TZ")


@pytest.mark.parametrize(
    "native",
    ["GEOGRAPHY", "GEOMETRY", "VECTOR(FLOAT, 3)", "DECFLOAT(38)", "ARRAY(NUMBER(38,0))", "MAP(VARCHAR, INT)",
     "OBJECT(a NUMBER(38,0))"],
)  # fmt: skip
def test_a_type_without_a_form_in_staging_is_refused_by_name(native):
    column = map_column("c", native, "t, column c")
    assert is_refused(column)
    assert column.loses is not None


def test_only_numbers_of_fixed_digits_are_compared_at_the_source():
    natives = ("NUMBER(38,10)", "FLOAT", "VARCHAR(5)", "DATE", "TIMESTAMP_NTZ(9)", "BOOLEAN", "VARIANT")
    assert [native for native in natives if map_column("c", native, "").exact] == ["NUMBER(38,10)"]


@pytest.mark.parametrize(
    ("native", "text", "value"),
    [
        ("TIMESTAMP_NTZ(9)", "9999-12-31 23:59:59.123456000", "9999-12-31 23:59:59.123456"),
        ("TIMESTAMP_NTZ(9)", "0001-01-01 00:00:00.000000000", "0001-01-01 00:00:00"),
        ("TIMESTAMP_LTZ(9)", "2024-02-29 23:00:00.500000000", "2024-02-29 23:00:00.5+00"),
        ("TIME(9)", "23:59:59.999999000", "23:59:59.999999"),
        ("TIMESTAMP_NTZ(9)", "2024-02-29 23:00:00.123456001", None),
        ("TIME(9)", "23:59:59.999999999", None),
    ],
)
def test_nanoseconds_are_an_error_and_never_cut(native, text, value):
    column = map_column("at{0}", native, "shop.t, column at{0}")
    unpacked = column.unpack.format(f"'{text}'")
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        query = f"SELECT CAST({unpacked} AS VARCHAR), typeof({unpacked})"
        if value is None:
            with (
                pytest.raises(ValueLost, match=r"at\{0\}.*nanoseconds"),
                as_duckdb_errors(connection="wh", doing="reading"),
            ):
                database.execute(query).fetchall()
        else:
            assert database.execute(query).fetchall() == [(value, str(column.stage))]


def test_names_count_exactly_and_the_outputs_are_in_upper_case():
    service = Service(
        {'"DW"."PUBLIC"."ORDERS"': [("ID", "NUMBER(38,0)")], '"X"."shop"."odd"': [("id", "DATE")]}
    )
    settings = parse("wh", OUTPUT)
    usual = TableRef(connection="wh", identifier="ORDERS")
    odd = TableRef(connection="wh", database="X", schema="shop", identifier="odd")
    tables = describe(service, [usual, odd], name="wh", settings=settings)
    assert [tables[ref].table.columns[0].name for ref in (usual, odd)] == ["ID", "id"]
    with pytest.raises(TableNotFound) as caught:
        describe(service, [TableRef(connection="wh", identifier="orders")], name="wh", settings=settings)
    assert "ORDERS" in caught.value.hint


def test_the_catalog_counts_rows_of_tables_but_not_of_views():
    column = [("ID", "NUMBER(38,0)")]
    service = Service({'"DW"."SHOP"."ORDERS"': column, '"DW"."SHOP"."LATEST"': column})
    refs = [TableRef(connection="wh", schema="SHOP", identifier=name) for name in ("ORDERS", "LATEST")]
    tables = describe(service, refs, name="wh", settings=parse("wh", OUTPUT))
    assert [(tables[ref].table.rows, tables[ref].table.bytes) for ref in refs] == [(7, 700), (None, None)]
    assert [tables[ref].has_history for ref in refs] == [True, False]


@pytest.mark.parametrize(
    "differs",
    [
        {"kind": "IMPORTED DATABASE"}, {"retention_time": "0"}, {"retention_time": None},
        {"is_dynamic": "YES"}, {"is_hybrid": "YES"}, {"is_iceberg": "YES"}, {"table_type": "EXTERNAL TABLE"},
    ],
    ids=str,
)  # fmt: skip
def test_only_plain_tables_with_time_travel_are_read_as_of_a_moment(differs):
    ref = TableRef(connection="wh", schema="SHOP", identifier="ORDERS")
    service = Service({'"DW"."SHOP"."ORDERS"': [("ID", "NUMBER(38,0)")]}, **differs)
    assert not describe(service, [ref], name="wh", settings=parse("wh", OUTPUT))[ref].has_history


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (604, Cancelled), (390111, ConnectionLost), (250003, ConnectionLost), (100072, RowRefused),
        (100038, ValueLost), (100078, ValueLost), (1003, QueryFailed), (2003, QueryFailed),
    ],
)  # fmt: skip
def test_errors_of_the_service_are_told_by_their_numbers_without_secrets(number, expected):
    error = client.ProgrammingError(msg="wrong: k3y", errno=number, query="CREDENTIALS = (k3y)")
    with pytest.raises(expected) as caught, as_dvt_errors(name="wh", doing="reading", secrets=["k3y"]):
        raise error
    shown = caught.value
    assert "k3y" not in f"{shown}{shown.__cause__}"
    assert shown.__suppress_context__


def test_a_login_that_is_refused_differs_from_a_service_that_is_not_reached():
    refused = client.DatabaseError(msg="Incorrect username or password was specified.", errno=250001)
    away = client.OperationalError(
        msg="Could not connect to Snowflake backend after 2 attempt(s).", errno=250001
    )
    assert isinstance(connect_error("wh", "a/dw", refused), LoginRefused)
    failed = connect_error("wh", "a/dw", away)
    assert isinstance(failed, ConnectFailed)
    assert failed.transient


class Transfers:
    """Gives one bucket of some type, and notes which types were asked for."""

    def __init__(self, bucket, kind):
        self.bucket, self.kind, self.name, self.why = bucket, kind, "lake", "it is asked for"
        self.kinds = ()

    def choose(self, kinds, **_):
        self.kinds = tuple(kinds)
        return self

    def access(self):
        return self.bucket.access()


def _server(transfers, **keys):
    context = ConnectorContext(duckdb=None, project_dir=None, scratch=None, transfers=transfers)
    return Server("wh", {**OUTPUT, **keys}, context)


def _azure(**keys):
    return AzureBucket("lake", {"storage_account": "acc1", "container": "con", **keys}, None)


def test_each_bucket_has_its_address_and_its_login_in_the_statement():
    s3 = S3Bucket("lake", {"bucket": "b1", "access_key_id": "K", "secret_access_key": "S"}, None)
    azure = _azure(sas_token="?sv=1&sig=x")
    gcs = GCSBucket("lake", {"bucket": "g1"}, None)
    found = []
    for bucket, kind, keys in (
        (s3, "s3", {}), (azure, "azure", {}), (gcs, "gcs", {"storage_integration": "gcs_int"}),
    ):  # fmt: skip
        server = _server(Transfers(bucket, kind), **keys)
        _, chosen = server.route("rows", None, None)
        login, secrets = server.login(chosen)
        statement = unload("SELECT 1 AS c0", bucket.uri_for("snowflake", "p/rows") + "/", login)
        found.append(statement.partition(" FILE_FORMAT")[0])
        assert not [secret for secret in secrets if secret not in statement]
    query = "FROM (SELECT 1 AS c0)"
    azure_address = "azure://acc1.blob.core.windows.net/con/p/rows/"
    assert found == [
        f"COPY INTO 's3://b1/p/rows/' {query} CREDENTIALS = (AWS_KEY_ID = 'K' AWS_SECRET_KEY = 'S')",
        f"COPY INTO '{azure_address}' {query} CREDENTIALS = (AZURE_SAS_TOKEN = 'sv=1&sig=x')",
        f"COPY INTO 'gcs://g1/p/rows/' {query} STORAGE_INTEGRATION = gcs_int",
    ]


def test_google_is_reached_by_an_integration_alone():
    transfers = Transfers(None, "gcs")
    _server(transfers).route("rows", None, None)
    assert transfers.kinds == ("s3", "azure")
    _server(transfers, storage_integration="i").route("rows", None, None)
    assert transfers.kinds == ("s3", "azure", "gcs")


def test_a_bucket_without_credentials_to_pass_on_is_an_error_that_says_what_to_give():
    server = _server(Transfers(_azure(account_key="c2VjcmV0"), "azure"))
    _, bucket = server.route("rows", None, None)
    with pytest.raises(TransferLoginMissing) as caught:
        server.login(bucket)
    assert "sas_token" in caught.value.hint
    assert "c2VjcmV0" not in str(caught.value)
