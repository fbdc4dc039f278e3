"""What keeps a model's SQL from meaning the same on another database, and the query that is sent."""

from __future__ import annotations

import duckdb
import pytest

from dvt.core.tables import Column
from dvt.core.types import BIGINT, VARCHAR
from dvt.federation.plan import parse_model
from dvt.federation.plan.at_source import depends_on, query_at_source, text_of
from dvt.federation.plan.parse import Parsed
from dvt.federation.plan.this_at_source import ThisValues
from tests.acceptance.oracle import Oracle


def parsed(sql: str, dialect: str = "postgres", **config: object) -> Parsed:
    with duckdb.connect() as db:
        db.execute("CREATE TABLE orders (id BIGINT, version VARCHAR)")
        oracle = Oracle(db, connections={"orders": "crm"})
        return parse_model(oracle.request(sql, dialect=dialect, **config))


@pytest.mark.parametrize(
    ("sql", "local"),
    [
        ("SELECT id, current_user FROM {orders}", "current_user"),
        ("SELECT version() FROM {orders}", "version()"),
        ("SELECT pg_catalog.pg_backend_pid() FROM {orders}", "pg_backend_pid()"),
        ("SELECT 'orders'::regclass FROM {orders}", "regclass"),
        ("SELECT o.ctid FROM {orders} o", "ctid"),
        ("SELECT nextval('s') FROM {orders}", "nextval()"),
        ("SELECT ts_rewrite('a'::tsquery, 'SELECT * FROM words') FROM {orders}", "ts_rewrite()"),
        ("SELECT id FROM {orders} JOIN other USING (id)", "it reads other"),
    ],
)
def test_what_tells_of_one_database_is_found(sql: str, local: str) -> None:
    assert local in depends_on(parsed(sql))


def test_numbers_of_rows_are_found() -> None:
    assert "rowid" in depends_on(parsed("SELECT rowid FROM {orders}", "duckdb"))
    assert depends_on(parsed('SELECT "rowid" FROM {orders}', "duckdb")) == ""


@pytest.mark.parametrize(
    "sql", ["SELECT @x FROM {orders}", "SELECT @@sql_mode FROM {orders}", "SELECT user() FROM {orders}"]
)
def test_variables_and_functions_of_mysql_are_found(sql: str) -> None:
    assert depends_on(parsed(sql, "mysql"))


def test_an_offset_that_mariadb_ignores_in_an_inner_query_is_found() -> None:
    sql = "SELECT id FROM {orders} ORDER BY id OFFSET 2 ROWS"
    assert "OFFSET" in depends_on(parsed(sql, "mysql"))
    assert depends_on(parsed(f"{sql} FETCH NEXT 3 ROWS ONLY", "mysql")) == ""
    assert depends_on(parsed("SELECT id FROM {orders} ORDER BY id LIMIT 3 OFFSET 2", "mysql")) == ""
    assert depends_on(parsed("SELECT id FROM {orders} ORDER BY id OFFSET 2")) == ""


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT version, \"user\", 'current_user' AS t, now() FROM {orders} AS o -- current_user, version()",
        "WITH other AS (SELECT * FROM {orders}) SELECT count(*) FROM other, LATERAL (SELECT other.id) AS l",
        "SELECT regexp_replace(version, 'pg_', '') FROM {orders}",
    ],
)
def test_what_means_the_same_everywhere_is_not(sql: str) -> None:
    assert depends_on(parsed(sql)) == ""


def test_the_text_stays_but_for_the_names_of_tables() -> None:
    model = parsed("SELECT 'shop' AS {{}}, orders.id\nFROM {orders} -- it's all".replace("{{}}", "t"))
    columns = [
        Column(name=name, native=name, stage=stage) for name, stage in (("t", VARCHAR), ("Id", BIGINT))
    ]
    text = text_of(model, ThisValues())
    query = query_at_source(model, text, columns, "postgres", {"TimeZone": "UTC"})
    (table,) = query.names
    assert query.shown == (
        'SELECT "t" AS "t", "Id" AS "id" FROM (SELECT \'shop\' AS t, orders.id\n'
        f"FROM {table} -- it's all\n) AS dvt_answer"
    )
    assert query.about == f"the answer of {model.request.name}"
