"""The stand-in for Redshift: a real PostgreSQL behind a proxy that knows UNLOAD and COPY from a bucket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.databases.postgres import DBNAME, PASSWORD, SCHEMA, USER, PostgreSQL, postgres
from tests.databases.redshift_wire import RedshiftProxy

_SET_UP = (
    "create schema redshift",
    "create domain super as jsonb",
    """create view redshift.columns as
       select table_catalog, table_schema::varchar, table_name::varchar, column_name::varchar,
           ordinal_position::int, character_maximum_length::int, numeric_precision::int, numeric_scale::int,
           case when domain_name = 'super' then 'super' when data_type = 'bytea' then 'binary varying'
                when data_type = 'USER-DEFINED' then udt_name else data_type end::varchar as data_type
       from information_schema.columns""",
    """create view pg_catalog.svv_external_columns as
       select null::varchar as schemaname, null::varchar as tablename, null::varchar as columnname,
           null::varchar as external_type, null::int as columnnum where false""",
    "grant select on pg_catalog.svv_external_columns to public",
    """create function pg_catalog.pg_get_late_binding_view_cols() returns setof record language sql as
       $$ select null::name, null::name, null::name, null::varchar, null::int where false $$""",
    """create function pg_catalog.pg_last_unload_count() returns bigint language sql as
       $$ select current_setting('redshift.unloaded')::bigint $$""",
    (
        "create function pg_catalog.from_varbyte(bytea, text) returns varchar language sql"
        " as $$ select encode($1, $2) $$"
    ),
    (
        "create function pg_catalog.to_varbyte(varchar, text) returns bytea language sql"
        " as $$ select decode($1, $2) $$"
    ),
    (
        "create function pg_catalog.json_serialize(jsonb) returns varchar language sql"
        " as $$ select $1::varchar $$"
    ),
)
"""SQL: what Redshift has in its catalog, and functions of its own."""
_DUCKDB_TYPES = {
    16: "BOOLEAN", 20: "BIGINT", 21: "SMALLINT", 23: "INTEGER", 700: "FLOAT", 701: "DOUBLE", 1082: "DATE"
}  # fmt: skip
_NUMERIC = 1700


@dataclass
class Redshift(PostgreSQL):
    """The stand-in, reached through the proxy by dvt and directly by the tests."""

    name: str = "redshift"
    ranges: int = 1
    proxy: RedshiftProxy | None = None
    secrets: Sequence[str] = (PASSWORD, "pl4nted-s3cret")

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {
            "type": "redshift",
            "host": "127.0.0.1",
            "port": self.proxy.port,
            "user": USER,
            "password": PASSWORD,
            "dbname": DBNAME,
            "schema": SCHEMA,
            "sslmode": "disable",
            "threads": 2,
        } | overrides

    def running(self) -> list[str]:
        """See ServerDatabase. While rows of a cursor are fetched, its query runs."""
        declared = {
            words[1]: statement
            for statement in self.proxy.statements
            if (words := statement.split(maxsplit=2))[0] == "DECLARE"
        }
        return [declared.get(statement.rpartition(" ")[2], statement) for statement in super().running()]

    def described(self, query: str) -> list[tuple[str, str]]:
        """Return a query's columns, with the types that UNLOAD gives them."""
        with closing(self.owner()) as connection, connection.cursor() as cursor:
            cursor.execute("set standard_conforming_strings = off")
            cursor.execute(f"select * from ({query}) as q limit 0")
            return [(column.name, _type(column)) for column in cursor.description]


def _type(column: Any) -> str:
    if column.type_code == _NUMERIC:
        return f"DECIMAL({column.precision},{column.scale})" if column.precision else "DECIMAL(38,10)"
    return _DUCKDB_TYPES.get(column.type_code, "VARCHAR")


def _let_in(server: Redshift, cursor: Any) -> None:
    """Have dvt's user log in as Redshift's do: the client knows PostgreSQL's newer way in another form."""
    access = server.folder / "data" / "pg_hba.conf"
    access.write_text(f'host all "{USER}" 127.0.0.1/32 md5\n{access.read_text()}')
    cursor.execute("set password_encryption = 'md5'")
    cursor.execute(f'alter role "{USER}" password %s', (PASSWORD,))
    cursor.execute("select pg_reload_conf()")


@contextmanager
def redshift() -> Iterator[Redshift]:
    """Run a new server with its proxy; remove it at the end."""
    with postgres() as server:
        own = Redshift(server.folder, server.port, server.process)
        with closing(own.owner()) as connection, connection.cursor() as cursor:
            cursor.execute("set allow_system_table_mods = on")
            cursor.execute(f'grant all on schema {SCHEMA} to "{USER}"')
            for statement in _SET_UP:
                cursor.execute(statement)
            cursor.execute(f'grant usage on schema redshift to "{USER}"')
            cursor.execute(f'grant select on redshift.columns to "{USER}"')
            _let_in(own, cursor)
        own.proxy = RedshiftProxy(server.port, own.described)
        try:
            yield own
        finally:
            own.proxy.close()
