"""Models that are computed in the PostgreSQL that all they read is in: answers, types, errors."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from dvt.core.errors import PlaceImpossible, SqlInvalid
from dvt.core.names import TableRef
from dvt.core.places import Place
from dvt.testing.databases import ReadCase
from tests.acceptance.at_source import Table, check_case, computed
from tests.acceptance.federating import Workspace
from tests.databases.postgres import PostgreSQL
from tests.databases.postgres_types import READ_CASES as POSTGRES_READ_CASES

pytestmark = pytest.mark.slow


class PostgresWorkspace(Workspace):
    """A workspace with two outputs of one PostgreSQL: `pg` has the tables, `pg2` is the target."""

    server: PostgreSQL

    def ref(self, connection: str, table: str) -> TableRef:
        return replace(self.server.table(table), connection=connection)

    def make(self, table: str, sql: str) -> None:
        """Create a table in a session as dbt's are."""
        settings = self.server.settings()
        keys = {"user": settings["user"], "password": settings["pass"], "dbname": settings["dbname"]}
        self.server.execute(f"DROP TABLE IF EXISTS {table}")
        with closing(psycopg2.connect(host=settings["host"], port=settings["port"], **keys)) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SET search_path = shop")
                cursor.execute(f"CREATE TABLE {table} AS {sql}")
            connection.commit()

    def read(self, table: str) -> Table:
        where = f"attrelid = '{table}'::regclass AND attnum > 0"
        columns = self.server.execute(
            "SELECT quote_ident(attname), format_type(atttypid, atttypmod), collname FROM pg_attribute "
            "LEFT JOIN pg_collation c ON c.oid = attcollation AND collname <> 'default' "
            f"WHERE {where} ORDER BY attnum"
        )
        texts = ", ".join(f"{name}::text" for name, *_ in columns)
        described = [" ".join(part for part in column if part) for column in columns]
        return described, sorted(self.server.execute(f"SELECT {texts} FROM {table}"), key=str)


@pytest.fixture
def pg(tmp_path: Path, postgres: PostgreSQL) -> PostgresWorkspace:
    workspace = PostgresWorkspace(tmp_path)
    workspace.server = postgres
    workspace.outputs["pg"] = workspace.outputs["pg2"] = postgres.settings()
    postgres.execute(
        "DROP TABLE IF EXISTS small, m CASCADE",
        "CREATE TABLE small (id integer, kind smallint, name varchar(20), code char(3), d numeric(12,3), "
        'free numeric, at timestamptz, word text COLLATE "C")',
        "INSERT INTO small SELECT i, i % 3, 'name ' || i, 'ab', i * 1.5, i / 7.0, "
        "timestamptz '2024-03-31 00:30+00' + i * interval '1 hour', chr(65 + i % 26) "
        "FROM generate_series(1, 500) i",
        "ANALYZE small",
    )
    return workspace


DOMAINS = {
    "cents": ["v numeric(6,2)"],
    "cents_or_more": ["v numeric(6,2)"],
    "loose": ["v numeric"],
    "numbers": ["v integer[]"],
}
"""Domains of the tests' → the column of their base type."""
POSTGRES_QUERIES = {
    "all": "SELECT * FROM {small}",
    "groups": """SELECT kind, count(*), sum(d), avg(free), min(name), max(word) || 'x' AS w
        FROM {small} GROUP BY kind""",
    "unnamed": """SELECT id + 1, upper(name), name || code AS both, now() - now() AS none, NULL AS n, 'a' AS a
        FROM {small}""",
    "arrays": """SELECT s.id, s.d * s.d AS sq, s.free / 3 AS third, array_agg(k.kind ORDER BY k.kind) AS kinds
        FROM {small} s JOIN {small} AS k USING (id) GROUP BY 1, 2, 3""",
    "dimensions": """SELECT id, ARRAY[[id, 2], [3, NULL]] AS two, ARRAY[name] AS one, B'101' AS bits
        FROM {small}""",
    "rows": """WITH few AS (SELECT * FROM {small} WHERE id < 10)
        SELECT few.*, row(few.id, few.kind)::text AS r FROM few""",
    "times": "SELECT small.at::date AS day, extract(hour FROM small.at) AS h, at::text AS t FROM {small}",
    "distinct": """SELECT DISTINCT ON (kind) kind, name::varchar(5) AS cut, '{"a": 1}'::jsonb AS j
        FROM {small} ORDER BY kind, id""",
    "rollup": """SELECT kind, percentile_cont(0.5) WITHIN GROUP (ORDER BY id) AS p, grouping(kind) AS g
        FROM {small} GROUP BY ROLLUP (kind)""",
    "windows": "SELECT id, lag(name) OVER (PARTITION BY kind ORDER BY id) AS before FROM {small}",
    "casts": """SELECT d::numeric(40,20) AS wide, interval '1 day 02:00' * id AS i, at::time(0) AS t,
        at::timestamp(3) FROM {small}""",
}
"""SQL of models; `{small}` is the table."""


@pytest.mark.parametrize("query", POSTGRES_QUERIES)
def test_postgres_answers_as_if_all_were_on_the_target(pg: PostgresWorkspace, query: str) -> None:
    sql = POSTGRES_QUERIES[query]
    pg.make("expected", sql.replace("{small}", "small"))
    with pg.run() as run:
        model = sql.replace("{small}", "{pg.small}")
        assert computed(run, pg.read, model, "pg2", dialect="postgres") == pg.read("expected")


def test_what_only_the_source_has_is_refused(pg: PostgresWorkspace) -> None:
    pg.server.execute(
        "CREATE OR REPLACE FUNCTION twice(x integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * x'"
    )
    with pg.run() as run:
        sql = "SELECT shop.twice(id) AS x FROM {pg.small}"
        with pytest.raises(PlaceImpossible, match=r"calls function shop\.twice\(integer\)"):
            computed(run, pg.read, sql, "pg2", dialect="postgres")
        with pytest.raises(SqlInvalid, match='column "nope" does not exist') as raised:
            computed(run, pg.read, "SELECT id,\n nope FROM {pg.small}", "pg2", dialect="postgres")
        assert raised.value.sql_line == 2
        with pytest.raises(SqlInvalid, match="specified more than once") as raised:
            computed(run, pg.read, "SELECT id, id FROM {pg.small}", "pg2", dialect="postgres")
        assert raised.value.hint == SqlInvalid.names_twice


def test_a_target_that_keeps_text_otherwise_is_told_from_the_source(pg: PostgresWorkspace) -> None:
    pg.server.execute("DROP DATABASE IF EXISTS plain")
    pg.server.execute("CREATE DATABASE plain TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    pg.outputs["pg2"] = {**pg.outputs["pg2"], "dbname": "plain"}
    with pg.run() as run:
        sql, options = "SELECT max(name) AS m FROM {pg.small}", {"dialect": "postgres"}
        with pytest.raises(PlaceImpossible, match="the encoding of pg is UTF8, that of pg2 SQL_ASCII"):
            run.federator.choose(run.request("m", sql, "pg2", compute="source", **options))
        choice = run.federator.choose(run.request("m", sql, "pg2", compute="auto", **options))
        assert choice.place is not Place.SOURCE
        assert "the encoding of pg is UTF8" in choice.options[2].problem


def test_a_user_who_may_make_no_temporary_view_is_told(pg: PostgresWorkspace) -> None:
    pg.server.execute('REVOKE TEMPORARY ON DATABASE shop FROM PUBLIC, "shop user"')
    try:
        with pg.run() as run, pytest.raises(PlaceImpossible, match="tells types by a temporary view"):
            computed(run, pg.read, "SELECT id FROM {pg.small}", "pg2", dialect="postgres")
    finally:
        pg.server.execute('GRANT TEMPORARY ON DATABASE shop TO PUBLIC, "shop user"')


@pytest.mark.parametrize("case", POSTGRES_READ_CASES, ids=lambda case: case.id)
def test_types_and_values_of_postgres_are_kept(pg: PostgresWorkspace, case: ReadCase) -> None:
    check_case(pg, pg.read, case, pg.server.execute, "pg2", base=DOMAINS.get(case.type))


def test_a_table_without_columns_is_read_by_its_database_alone(pg: PostgresWorkspace) -> None:
    pg.server.execute("CREATE TABLE bare ()", "GRANT SELECT ON bare TO PUBLIC")
    with pg.run() as run:
        request = run.request("m", "SELECT * FROM {pg.bare}", "pg2", dialect="postgres", compute="target")
        with pytest.raises(PlaceImpossible, match="the table has no columns"):
            run.federator.plan_copies(request)
        request = run.request("m", "SELECT * FROM {pg.bare}", "pg2", dialect="postgres", compute="auto")
        assert run.federator.choose(request).place is Place.SOURCE
    pg.server.execute("DROP TABLE bare")


def test_what_an_extension_does_with_its_own_type_is_done_where_the_type_is(pg: PostgresWorkspace) -> None:
    """Copies have its values as text, over which its functions fail or answer otherwise."""
    pg.server.execute(
        "CREATE EXTENSION IF NOT EXISTS ltree SCHEMA public",
        "CREATE EXTENSION IF NOT EXISTS fuzzystrmatch SCHEMA public",
        "DROP TABLE IF EXISTS trees",
        "CREATE TABLE trees AS "
        "SELECT i AS id, ('top.' || i)::public.ltree AS path FROM generate_series(1, 3) AS i",
    )
    sql = "SELECT id, subpath(path, 1)::text AS last FROM {pg.trees} WHERE path ~ '*.2' OR path <@ 'top.3'"
    with pg.run() as run:
        assert run.federator.choose(run.request("m", sql, "pg2", dialect="postgres")).place is Place.SOURCE
        _, rows = computed(run, pg.read, sql, "pg2", dialect="postgres", compute="auto")
        assert rows == [("2", "2"), ("3", "3")]
        words = "SELECT levenshtein(name, 'name 1') AS far FROM {pg.small}"
        request = run.request("m2", words, "pg2", dialect="postgres", compute="source")
        with pytest.raises(PlaceImpossible, match="levenshtein"):
            run.federator.choose(request)
