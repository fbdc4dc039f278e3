"""Models that are computed where all that they read is: answers, types, errors, and what forbids it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from dvt.core.errors import DvtError, ExtractTooLarge, PlaceImpossible, SqlInvalid
from dvt.core.estimates import ExtractLimits
from dvt.core.names import TableRef
from dvt.core.places import Choice, Place
from dvt.core.plan import Load
from dvt.core.requests import Translate
from dvt.drivers.duckdb import FILES
from dvt.testing.databases import ReadCase
from tests.acceptance.federating import Run, Workspace
from tests.databases.embedded_types import DUCKDB_READ_CASES
from tests.databases.postgres import PostgreSQL
from tests.databases.postgres_types import READ_CASES as POSTGRES_READ_CASES

pytestmark = pytest.mark.slow

Table = tuple[list[str], list[tuple[Any, ...]]]
"""Names and types of a table's columns, and its rows as texts, sorted."""


SOURCES = {"wh": ("crm", "duckdb"), "pg2": ("pg", "postgres"), "my2": ("my", "mysql")}
"""Target → source and dialect."""


@dataclass
class _Reading:
    """A Publisher that reads the stage table instead of publishing it."""

    read: Callable[[str], Table]
    table: Table = field(default=([], []))

    def publish(self, load: Load) -> int:
        parts = [load.stage.schema, load.stage.identifier]
        self.table = self.read(".".join(f'"{part}"' for part in parts if part))
        return -1


def computed(run: Run, read: Callable[[str], Table], sql: str, target: str, **options: Any) -> Table:
    """Return the stage table of a model that its source computes."""
    publisher = _Reading(read)
    request = run.request("m", sql, target, **{"compute": "source", **options})
    run.federator.federate(request, publisher)
    return publisher.table


# --- DuckDB ---


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path)
    small = (
        "CREATE TABLE small AS SELECT i::INTEGER AS id, i % 3 AS kind, 't ' || i AS t FROM range(1000) t(i)"
    )
    large = "CREATE TABLE large AS SELECT i::INTEGER AS id, 'text ' || i AS t FROM range(100000) t(i)"
    mood = "CREATE TYPE mood AS ENUM ('bad', 'good')"
    workspace.duckdb("crm", small, large, "CREATE MACRO twice(x) AS 2 * x", mood)
    workspace.duckdb("wh", small, "CREATE TABLE m AS SELECT 1 AS id, 't 1' AS t")
    FILES.close()
    yield workspace
    FILES.close()


def in_file(workspace: Workspace) -> Callable[[str], Table]:
    def read(table: str) -> Table:
        columns = [f"{row[0]} {row[1]}" for row in workspace.query("wh", f"DESCRIBE {table}")]
        texts = workspace.query("wh", f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {table} ORDER BY ALL")
        return columns, texts

    return read


def chosen(run: Run, sql: str, **options: Any) -> Choice:
    return run.federator.choose(run.request("m", sql, "wh", **options))


def test_only_the_answer_moves(files: Workspace) -> None:
    with files.run() as run:
        sql = "SELECT id % 2 AS half, count(*) AS n, max(t) AS t FROM {crm.large} GROUP BY ALL -- all of it"
        columns, rows = computed(run, in_file(files), sql, "wh")
        assert columns == ["half INTEGER", "n BIGINT", "t VARCHAR"]
        assert rows == [("0", "50000", "text 99998"), ("1", "50000", "text 99999")]
        moved = [movement for _, movement in run.reporter.movements if movement.what == "extract"]
        assert [movement.rows for movement in moved] == [2]
        answer = run.federator.select(run.request("m", sql, "wh", compute="source", limit=1))
        assert answer.names == ("half", "n", "t")
        assert len(answer.rows) == 1


def test_a_name_that_shows_a_table_is_as_at_every_other_place(files: Workspace) -> None:
    sql = "SELECT id, (SELECT max(s.kind) FROM {crm.small} s WHERE s.id < l.id) FROM {crm.large} l"
    with files.run() as run:
        at_source, _ = computed(run, in_file(files), sql, "wh")
        in_engine = run.federator.plan(run.request("m", sql, "wh", compute="duckdb")).load.columns
    assert at_source[1] == "(SELECT max(s.kind) FROM small AS s WHERE (s.id < l.id)) BIGINT"
    assert at_source[1].startswith(in_engine[1].name)


def test_auto_takes_no_place_that_loses_the_answers_type(files: Workspace) -> None:
    with files.run() as run:
        for value, engine in (("union_value(a := id)", "becomes text"), ("[id]::INTEGER[1]", "")):
            choice = chosen(run, f"SELECT {value} AS v FROM {{crm.small}}", compute="auto")
            target, in_engine, at_source = choice.options
            assert not target.problem
            assert all(engine in option.problem for option in (in_engine, at_source))
            assert (choice.place is Place.TARGET) is bool(engine)


def test_the_place_that_was_chosen_stays(files: Workspace) -> None:
    """The bridge publishes as the place needs it: what changes after the choice changes no place."""
    with files.run() as run:
        request = run.request("m", "SELECT count(*) AS n FROM {crm.large}", "wh", compute="auto")
        assert run.federator.choose(request).place is Place.SOURCE
        for place, loaded in ((Place.ENGINE, "compute"), (Place.SOURCE, "load")):
            run.reporter.movements.clear()
            run.federator.federate(request, _Reading(in_file(files)), place=place)
            assert [moved.what for _, moved in run.reporter.movements].index(loaded) == 1


def test_auto_takes_it_where_it_costs_least(files: Workspace) -> None:
    with files.run() as run:
        choice = chosen(run, "SELECT count(*) AS n FROM {crm.large}")
        assert choice.place is Place.SOURCE
        assert [option.place for option in choice.options] == [Place.TARGET, Place.ENGINE, Place.SOURCE]
        assert (choice.options[2].rows, choice.options[1].rows) == (1, 100_000)
        blown_up = "SELECT a.id, b.t FROM {crm.small} a JOIN {crm.small} b ON a.id <> b.id"
        assert chosen(run, blown_up).place is Place.ENGINE
        assert chosen(run, "PIVOT {crm.small} ON id USING count(*)").place is Place.TARGET
        on_two = chosen(run, "SELECT count(*) AS n FROM {crm.large} JOIN {wh.small} USING (id)")
        assert on_two.place is not Place.SOURCE
        assert on_two.options[2].problem == "what it reads is on crm and wh"
        request = run.request("m", "SELECT count(*) AS n FROM {crm.large}", "wh", compute="auto")
        run.federator.choose(request)
        publisher = _Reading(in_file(files))
        run.federator.federate(request, publisher)
        assert publisher.table == (["n BIGINT"], [("100000",)])


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT id FROM {crm.small} WHERE id NOT IN (SELECT id FROM {this})", "reads its own table"),
        ("SELECT id FROM {crm.small} WHERE id > (SELECT count(*) FROM {this})", "reads its own table"),
        ("SELECT id FROM {crm.small} WHERE t > (SELECT max(t) FROM {this})", "reads its own table"),
        ("SELECT id, (SELECT max(id) FROM {this}) FROM {crm.small}", "reads its own table"),
        (
            "SELECT id FROM {crm.small} s WHERE id > (SELECT max(m.id) FROM {this} m WHERE m.id < s.kind)",
            "own",
        ),
        ("SELECT twice(id) AS x FROM {crm.small}", "calls the macro twice"),
        ("SELECT id, enum_range(NULL::mood) AS x FROM {crm.small}", "names the type mood"),
        ("SELECT id, current_database() AS d FROM {crm.small}", r"current_database\(\) tells of the session"),
        ("SELECT id FROM {crm.small}, read_csv('x.csv')", r"read_csv\(\) tells of the session or the server"),
        ("SELECT 1 AS a FROM {crm.small} JOIN {wh.small} USING (id)", "is on crm and wh"),
        ("PIVOT {crm.small} ON id USING count(*)", "takes its columns from the data"),
    ],
)
def test_what_means_something_else_on_the_target_is_refused(files: Workspace, sql: str, why: str) -> None:
    (files.root / "x.csv").write_text("a\n1\n")
    sql = sql.replace("x.csv", str(files.root / "x.csv"))
    with files.run() as run, pytest.raises(PlaceImpossible, match=why):
        computed(run, in_file(files), sql, "wh")


def test_another_table_than_the_models_is_refused(files: Workspace) -> None:
    with files.run() as run, pytest.raises(PlaceImpossible, match=r"reads main\.large AS l, which is no ref"):
        computed(run, in_file(files), "SELECT s.id FROM {crm.small} s JOIN main.large l ON l.id = s.id", "wh")


def test_another_dialect_is_refused(files: Workspace) -> None:
    with files.run() as run, pytest.raises(PlaceImpossible, match="written in postgres, which crm does not"):
        computed(run, in_file(files), "SELECT 1 AS a FROM {crm.small}", "wh", dialect="postgres")


def test_sqlite_is_no_source_of_answers(files: Workspace) -> None:
    path = files.root / "lite.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE small (id INTEGER)")
    files.outputs["lite"] = {"type": "sqlite", "path": str(path)}
    with files.run() as run:
        sql = "SELECT count(*) AS n FROM {lite.small}"
        with pytest.raises(PlaceImpossible, match="written in duckdb, which lite does not speak"):
            computed(run, in_file(files), sql, "wh")
        assert chosen(run, sql).place is not Place.SOURCE


def test_a_doubt_can_be_accepted(files: Workspace) -> None:
    with files.run() as run:
        options = {"translate": Translate.BEST_EFFORT}
        sql = "SELECT twice(max(id)) AS x FROM {crm.small}"
        assert computed(run, in_file(files), sql, "wh", **options)[1] == [("1998",)]
        (notice,) = [notice for _, notice in run.reporter.notices if notice.code == "DVT003"]
        assert "calls the macro twice" in notice.message


def test_an_error_of_the_sql_names_file_and_line(files: Workspace) -> None:
    with files.run() as run:
        sql = "SELECT id,\n  nope\nFROM {crm.small}"
        with pytest.raises(SqlInvalid, match="nope") as raised:
            computed(run, in_file(files), sql, "wh", raw=sql)
        assert "models/m.sql" in str(raised.value)
        assert raised.value.sql_line == 2


def test_guards_hold_the_answer(files: Workspace) -> None:
    with files.run() as run:
        limits = ExtractLimits(rows=100, bytes=None)
        with pytest.raises(ExtractTooLarge):
            computed(run, in_file(files), "SELECT id FROM {crm.large}", "wh", extract_limits=limits)
        sql = "SELECT count(*) AS n FROM {crm.large}"
        assert computed(run, in_file(files), sql, "wh", extract_limits=limits)[1] == [("100000",)]


def test_the_session_is_as_the_targets(files: Workspace) -> None:
    files.outputs["wh"] = {**files.outputs["wh"], "settings": {"TimeZone": "Pacific/Auckland"}}
    sql = "SELECT CAST(TIMESTAMPTZ '2024-01-01 00:00:00+00' AS VARCHAR) AS t FROM {crm.small} LIMIT 1"
    with files.run() as run:
        assert computed(run, in_file(files), sql, "wh")[1] == [("2024-01-01 13:00:00+13",)]
        assert run.federator.select(run.request("n", sql, "crm")).rows != [("2024-01-01 13:00:00+13",)]


@pytest.mark.parametrize("case", DUCKDB_READ_CASES, ids=lambda case: case.id)
def test_types_and_values_of_duckdb_are_kept(files: Workspace, case: ReadCase) -> None:
    def execute(sql: str) -> None:
        for name in ("crm", "wh"):
            files.query(name, sql)

    check_case(files, in_file(files), case, execute, "wh")


# --- PostgreSQL ---


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
    check_case(pg, pg.read, case, pg.server.execute, "pg2")


def check_case(
    workspace: Workspace,
    read: Callable[[str], Table],
    case: ReadCase,
    execute: Callable[[str], Any],
    target: str,
) -> None:
    """Compare a model over a column of a type with that column: type and value, or a warning of the type."""
    execute("DROP TABLE IF EXISTS cases")
    execute(f"CREATE TABLE cases (v {case.type})")
    execute(f"INSERT INTO cases VALUES ({case.literal})")
    source, dialect = SOURCES[target]
    with workspace.run() as run:
        try:
            table = computed(run, read, f"SELECT v FROM {{{source}.cases}}", target, dialect=dialect)
        except DvtError:
            assert case.error
            return
        warned = [notice.message for _, notice in run.reporter.notices if notice.code == "DVT002"]
    columns, rows = read("cases")
    if not any("column v" in message for message in warned):
        assert table == ([*base] if (base := DOMAINS.get(case.type)) else columns, rows)
