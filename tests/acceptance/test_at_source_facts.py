"""Two databases of one PostgreSQL: what may make their answers differ is refused, or taken over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from dvt.core.errors import PlaceImpossible
from dvt.core.names import TableRef
from tests.acceptance.at_source import Table, computed
from tests.acceptance.federating import Workspace
from tests.databases.postgres import USER, PostgreSQL

pytestmark = pytest.mark.slow

TABLE = (
    "DROP TABLE IF EXISTS shop.moments",
    "CREATE TABLE shop.moments (id integer, at timestamptz, free numeric)",
    "INSERT INTO shop.moments VALUES (1, '2024-03-31 12:30+00', 1.5), (2, NULL, NULL)",
    f'GRANT SELECT ON shop.moments TO "{USER}"',
)


class TwoDatabases(Workspace):
    """Outputs of one PostgreSQL: `pg` is a database with the tables, `twin` another one, the target."""

    server: PostgreSQL

    def ref(self, connection: str, table: str) -> TableRef:
        database = {"pg": "shop"}.get(connection, connection)
        return TableRef(connection=connection, database=database, schema="shop", identifier=table)

    def execute(self, database: str, *statements: str) -> None:
        with closing(self.server.owner(dbname=database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def add(self, name: str, options: str) -> None:
        """Create a database of the server, with an output of the same name."""
        self.execute("postgres", f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} {options}")
        self.execute(name, f'CREATE SCHEMA shop AUTHORIZATION "{USER}"', *TABLE)
        self.outputs[name] = self.server.settings(dbname=name)

    def read(self, table: str) -> Table:
        """Return types, and the values as they are stored, of a table of the target."""
        with closing(self.server.owner(dbname="twin")) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            return [str(column[1]) for column in cursor.description], sorted(cursor.fetchall(), key=str)

    def native(self, sql: str) -> Table:
        """Return the table that a session as dbt's makes of a SELECT on the target."""
        settings = self.server.settings(dbname="twin")
        keys = {"user": settings["user"], "password": settings["pass"], "dbname": "twin"}
        with closing(psycopg2.connect(host=settings["host"], port=settings["port"], **keys)) as connection:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE IF EXISTS shop.native; CREATE TABLE shop.native AS {sql}")
            connection.commit()
        return self.read("shop.native")


@pytest.fixture
def pg(tmp_path: Path, postgres: PostgreSQL) -> Iterator[TwoDatabases]:
    workspace = TwoDatabases(tmp_path)
    workspace.server = postgres
    workspace.outputs["pg"] = postgres.settings()
    workspace.execute("shop", *TABLE)
    yield workspace
    for name in workspace.outputs.keys() - {"pg"}:
        workspace.execute("postgres", f"DROP DATABASE {name} WITH (FORCE)")


SAME = "TEMPLATE template0 ENCODING 'UTF8'"
"""Options of a database that is made as that of the tests is."""
SETTINGS = {
    "TimeZone": ("'Pacific/Auckland'", "SELECT at::text AS v FROM {moments}"),
    "IntervalStyle": ("'sql_standard'", "SELECT (id * interval '1 day 02:00')::text AS v FROM {moments}"),
    "extra_float_digits": ("-5", "SELECT (free::float8 / 7)::text AS v FROM {moments}"),
    "bytea_output": ("'escape'", "SELECT convert_to('A' || id, 'UTF8')::text AS v FROM {moments}"),
    "xmlbinary": ("'hex'", "SELECT xmlelement(name x, '\\x41'::bytea)::text AS v FROM {moments}"),
    "xmloption": ("'document'", "SELECT xml_is_well_formed('a' || id) AS v FROM {moments}"),
    "array_nulls": ("'off'", "SELECT ('{NULL,' || id || '}')::text[]::text AS v FROM {moments}"),
    "standard_conforming_strings": ("'off'", "SELECT length('a\\\\b') AS v FROM {moments}"),
    "transform_null_equals": ("'on'", "SELECT count(*) AS v FROM {moments} WHERE free = NULL"),
    "default_text_search_config": (
        "'german'",
        "SELECT to_tsvector('die Katzen ' || id)::text AS v FROM {moments}",
    ),
}
"""Setting → a value of it that is not usual, and a model whose answer it changes.

DateStyle is not among them: psycopg2 sets it in every session of dbt's.
"""


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_session_is_as_the_targets(pg: TwoDatabases, setting: str) -> None:
    value, sql = SETTINGS[setting]
    native, model = sql.replace("{moments}", "shop.moments"), sql.replace("{moments}", "{pg.moments}")
    pg.add("twin", SAME)
    usual = pg.native(native)
    pg.execute("postgres", f"ALTER DATABASE twin SET {setting} = {value}")
    expected = pg.native(native)
    assert expected != usual
    with pg.run() as run:
        assert computed(run, pg.read, model, "twin", dialect="postgres") == expected


TEXT_RULES = {
    "collate": "ENCODING 'UTF8' LC_COLLATE '{other}' LC_CTYPE '{same}'",
    "ctype": "ENCODING 'UTF8' LC_COLLATE '{same}' LC_CTYPE '{other}'",
    "icu": "ENCODING 'UTF8' LC_COLLATE '{same}' LC_CTYPE '{same}' LOCALE_PROVIDER icu ICU_LOCALE 'de'",
}
"""Way in which a database compares text otherwise → options of its CREATE DATABASE."""


@pytest.mark.parametrize("rule", TEXT_RULES)
def test_a_database_that_compares_text_otherwise_is_told_apart(pg: TwoDatabases, rule: str) -> None:
    ((same,),) = pg.server.execute("SELECT datcollate FROM pg_database WHERE datname = 'shop'")
    other = "C.UTF-8" if same == "C" else "C"
    pg.add("twin", f"TEMPLATE template0 {TEXT_RULES[rule].format(same=same, other=other)}")
    with pg.run() as run, pytest.raises(PlaceImpossible, match=r"the collation of pg is .*, that of twin"):
        computed(run, pg.read, "SELECT id FROM {pg.moments}", "twin", dialect="postgres")


def test_two_databases_with_other_icu_locales_are_told_apart(pg: TwoDatabases) -> None:
    options = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE '{}'"
    pg.add("twin", options.format("de"))
    pg.add("swedish", options.format("sv"))
    with (
        pg.run() as run,
        pytest.raises(PlaceImpossible, match=r"the collation of swedish is .*sv.*, that of twin"),
    ):
        computed(run, pg.read, "SELECT id FROM {swedish.moments}", "twin", dialect="postgres")


@pytest.mark.parametrize("fact", ["the version", "the encoding", "the collation"])
def test_databases_that_differ_in_a_fact_are_told_apart(pg: TwoDatabases, fact: str) -> None:
    pg.add("twin", SAME)
    with pg.run() as run:
        assert computed(run, pg.read, "SELECT id FROM {pg.moments}", "twin", dialect="postgres")[1]
    with pg.run() as run:
        rules = run.federator._resources.connections["twin"].connector.answer_rules()
        assert rules.fixed[fact]
        run.federator._at_source._rules["twin"] = replace(rules, fixed={**rules.fixed, fact: "another"})
        with pytest.raises(PlaceImpossible, match=f"{fact} of pg is .*, that of twin another"):
            computed(run, pg.read, "SELECT id FROM {pg.moments}", "twin", dialect="postgres")
    ((number,),) = pg.server.execute("SHOW server_version_num")
    assert rules.fixed["the version"] == f"PostgreSQL {int(number) // 10000}"
