"""What differs between the databases that the adapter builds on: one row for each.

A database without a row is a source only (`drivers.jdbc.Product.can_be_target`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dvt.drivers.jdbc.products import subprotocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A database, as a target. In templates `{table}` is a quoted full name, `{name}` its last part."""

    schema: str
    """The schema of models where the output names none."""
    text: str
    """Type of texts of any length."""
    empty_table: str
    """Statement that makes a table with the columns of a query `{sql}`."""
    rename: str
    """Statement that renames a table within its schema."""
    drop: str
    """Statement that drops a `{kind}`."""
    drop_schema: str
    """Statement that drops a schema."""
    replaces: bool = True
    """Whether `drop` goes by what is not there, and `drop_schema` takes all that a schema holds."""
    views_on: str = ""
    """Query for schema and name of the views that read a table or view, given literals of its `{schema}` and
    `{name}`, where the database neither drops it with them nor renames it under them; else empty."""
    replace_view: tuple[str, ...]
    """Statements that put a new definition into the place of a view."""
    hash: str
    """SQL of a short text that differs with a text `{0}`."""
    on_connect: tuple[str, ...] = ()
    """Statements that every session begins with."""
    ddl_commits: bool = True
    """Whether a statement that changes a table commits the transaction."""
    sized_times: bool = True
    """Whether types of time may say how many digits of a second they have."""
    renames_checked: bool = True
    """Whether a table with a check or a foreign key can be renamed."""
    takes_comments: bool = True
    """Whether comments may hold braces, as dbt's do; HSQLDB's driver takes them for escapes."""
    common_tables: bool = True
    """Whether queries have common table expressions (`with`)."""


_WAIT = 600_000
"""Milliseconds that a statement waits for another session's lock, in place of H2's two seconds."""

_VIEWS_OF_HSQLDB = """\
select distinct view_schema, view_name from information_schema.view_table_usage
where table_schema = {schema} and table_name = {name} and view_name <> {name}"""
_VIEWS_OF_DERBY = """\
select distinct s.schemaname, t.tablename
from sys.sysdepends d
join sys.sysviews v on cast(v.tableid as char(36)) = cast(d.dependentid as char(36))
join sys.systables t on t.tableid = v.tableid
join sys.sysschemas s on s.schemaid = t.schemaid
join sys.systables b on cast(b.tableid as char(36)) = cast(d.providerid as char(36))
join sys.sysschemas o on o.schemaid = b.schemaid
where o.schemaname = {schema} and b.tablename = {name} and t.tablename <> {name}"""

_TARGETS: Mapping[str, Target] = {
    "h2": Target(
        schema="PUBLIC",
        text="varchar",
        empty_table="create table {table} as\n{sql}\nwith no data",  # it takes no `with` in brackets
        rename="alter table {table} rename to {name}",
        drop="drop {kind} if exists {table} cascade",
        drop_schema="drop schema if exists {schema} cascade",
        replace_view=("create or replace view {table} as\n{sql}",),
        hash="rawtohex(hash('MD5', stringtoutf8({0})))",
        on_connect=(f"set lock_timeout {_WAIT}",),
    ),
    "hsqldb": Target(
        schema="PUBLIC",
        text="varchar(1000000)",
        empty_table="create table {table} as (\n{sql}\n) with no data",
        rename="alter table {table} rename to {name}",
        drop="drop {kind} if exists {table} cascade",
        drop_schema="drop schema if exists {schema} cascade",
        views_on=_VIEWS_OF_HSQLDB,
        replace_view=("alter view {table} as\n{sql}",),
        hash="{0}",
        takes_comments=False,
    ),
    "derby": Target(
        schema="APP",
        text="varchar(32672)",
        empty_table="create table {table} as (\n{sql}\n) with no data",
        rename="rename table {table} to {name}",
        drop="drop {kind} {table}",
        drop_schema="drop schema {schema} restrict",
        replaces=False,
        views_on=_VIEWS_OF_DERBY,
        replace_view=("drop view {table}", "create view {table} as\n{sql}"),
        hash="{0}",
        ddl_commits=False,
        sized_times=False,
        renames_checked=False,
        common_tables=False,
    ),
}
"""Subprotocol of a URL → the database."""


def target(url: str) -> Target:
    """Return the database of a URL."""
    return _TARGETS[subprotocol(url)]
