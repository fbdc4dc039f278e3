"""Tables in PostgreSQL: a value is its text under fixed settings, and comes back by its column's type."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text

from dvt.core.errors import RowsMisdescribed, RowsUnreachable
from dvt.lifecycle.store.addresses import Address
from dvt.lifecycle.tables.dialect import (
    CONNECT_SECONDS,
    LOCK_SECONDS,
    Columns,
    Dialect,
    Locks,
    Name,
    Reference,
    Spelling,
    Value,
    parameter,
    quoted_by,
)


class PostgreSQL(Dialect):
    """PostgreSQL."""

    overriding = " OVERRIDING SYSTEM VALUE"

    def __init__(self, data_type: str, place: Address) -> None:
        super().__init__(data_type, place.label, place.secrets)
        self._place = place

    def engine(self) -> Engine:
        """See Dialect."""
        given = self._place.url.query
        arguments = {} if "connect_timeout" in given else {"connect_timeout": CONNECT_SECONDS}
        try:
            engine = create_engine(
                self._place.url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments
            )
        except ModuleNotFoundError:
            problem = "PostgreSQL's driver is missing: pip install 'dvt-engine[postgres]'"
            raise RowsUnreachable(self.data_type, self.label, problem) from None
        event.listen(engine, "connect", _set_up)
        return engine

    def begin(self, connection: Connection, *, writes: bool) -> None:
        """See Dialect."""
        if not writes:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def locks(self, connection: Connection) -> Locks:  # noqa: ARG002
        """See Dialect. It waits for LOCK_SECONDS. Who refers to a row that is locked waits, too."""
        return Locks(items=" FOR UPDATE", below=" FOR UPDATE")

    def quoted(self, *names: str) -> str:
        """See Dialect."""
        return quoted_by('"', names)

    def find(self, connection: Connection, schema: str | None, table: str) -> Name | None:
        """See Dialect."""
        row = connection.execute(
            text(
                "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE c.oid = to_regclass(:name) AND c.relkind IN ('r', 'p')"
            ),
            {"name": self._regclass(schema or "", table)},
        ).one_or_none()
        return None if row is None else (str(row[0]), str(row[1]))

    def columns(self, connection: Connection, name: Name) -> Columns:
        """See Dialect."""
        inspector = inspect(connection)
        rows = connection.execute(
            text(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                "WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            ),
            {"name": self._regclass(*name)},
        )
        spellings = {str(column): _spelling(str(type_)) for column, type_ in rows}
        if not spellings:
            raise RowsMisdescribed(self.data_type, f"nothing is known of {'.'.join(name)}")
        columns = inspector.get_columns(name[1], schema=name[0])
        return Columns(
            name=name,
            dialect=self,
            spellings=spellings,
            key=tuple(map(str, inspector.get_pk_constraint(name[1], schema=name[0])["constrained_columns"])),
            generated=frozenset(str(column["name"]) for column in columns if column.get("computed")),
        )

    def references(self, connection: Connection) -> Iterator[Reference]:
        """See Dialect."""
        for row in connection.execute(text(parameter(_FOREIGN_KEYS))):
            yield Reference(
                child=(row[0], row[1]),
                parent=(row[2], row[3]),
                columns=tuple(row[5]),
                to=tuple(row[6]),
                on_delete=_ON_DELETE.get(row[4], ""),
            )

    def _regclass(self, *names: str) -> str:
        return self.quoted(*names).replace("\\:", ":")


def _spelling(type_: str) -> Spelling:
    given = partial(_cast, parameter(type_))
    return Spelling(read="CAST({} AS text)".format, given=given)


def _cast(type_: str, name: str, _value: Value) -> str:
    return f"CAST(:{name} AS {type_})"


_ON_DELETE = {"n": "SET NULL", "d": "SET DEFAULT", "c": "CASCADE", "r": "RESTRICT"}
_COLUMNS = """(
    SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest({key}) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.number
)"""
_FOREIGN_KEYS = f"""
SELECT cn.nspname, cc.relname, pn.nspname, pc.relname, con.confdeltype::text,
  {_COLUMNS.format(key="con.conkey", table="con.conrelid")},
  {_COLUMNS.format(key="con.confkey", table="con.confrelid")}
FROM pg_constraint con
JOIN pg_class cc ON cc.oid = con.conrelid JOIN pg_namespace cn ON cn.oid = cc.relnamespace
JOIN pg_class pc ON pc.oid = con.confrelid JOIN pg_namespace pn ON pn.oid = pc.relnamespace
WHERE con.contype = 'f' AND con.conparentid = 0
ORDER BY cn.nspname, cc.relname, con.conname
"""


def _set_up(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        # Texts of values do not depend on what the server or the user has set.
        for name, value in (
            ("TimeZone", "UTC"),
            ("DateStyle", "ISO, YMD"),
            ("IntervalStyle", "postgres"),
            ("extra_float_digits", "1"),
            ("bytea_output", "hex"),
            ("lock_timeout", f"{LOCK_SECONDS}s"),
            ("application_name", "dvt lifecycle"),
        ):
            cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.commit()
