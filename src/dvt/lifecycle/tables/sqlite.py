"""Tables in SQLite: a value is what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text

from dvt.core.errors import RowsMisdescribed, RowsUnreachable
from dvt.lifecycle.store.addresses import Address
from dvt.lifecycle.tables.dialect import LOCK_SECONDS, Columns, Dialect, Name, Reference, Spelling, quoted_by


class SQLite(Dialect):
    """SQLite, in one file."""

    def __init__(self, data_type: str, place: Address, file: Path) -> None:
        super().__init__(data_type, place.label, place.secrets)
        self._place, self._file = place, file

    def engine(self) -> Engine:
        """See Dialect."""
        if not self._file.is_file():
            raise RowsUnreachable(self.data_type, self.label, "there is no such file")
        engine = create_engine(self._place.url, hide_parameters=True, connect_args={"timeout": LOCK_SECONDS})
        event.listen(engine, "connect", _set_up)
        return engine

    def begin(self, connection: Connection, *, writes: bool) -> None:
        """See Dialect."""
        connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def quoted(self, *names: str) -> str:
        """See Dialect."""
        return quoted_by('"', names)

    def find(self, connection: Connection, schema: str | None, table: str) -> Name | None:  # noqa: ARG002
        """See Dialect. There are no schemas."""
        there = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'table' AND name = :name"), {"name": table}
        ).scalar()
        return None if there is None else ("", str(there))

    def columns(self, connection: Connection, name: Name) -> Columns:
        """See Dialect."""
        inspector = inspect(connection)
        columns = inspector.get_columns(name[1])
        if not columns:
            raise RowsMisdescribed(self.data_type, f"nothing is known of {name[1]}")
        return Columns(
            name=name,
            dialect=self,
            spellings={str(column["name"]): Spelling() for column in columns},
            key=tuple(map(str, inspector.get_pk_constraint(name[1])["constrained_columns"])),
            generated=frozenset(str(column["name"]) for column in columns if column.get("computed")),
        )

    def references(self, connection: Connection) -> Iterator[Reference]:
        """See Dialect."""
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        for name in [str(row[0]) for row in tables]:
            found: dict[int, list[tuple[str, str, str | None, str]]] = {}
            for row in connection.execute(text(f"PRAGMA foreign_key_list({self.quoted(name)})")):
                found.setdefault(row[0], []).append((row[2], row[3], row[4], row[6]))
            for parts in found.values():
                parent = parts[0][0]
                to = [part[2] for part in parts]
                if None in to:
                    to = list(inspect(connection).get_pk_constraint(parent)["constrained_columns"])
                yield Reference(
                    child=("", name),
                    parent=("", parent),
                    columns=tuple(part[1] for part in parts),
                    to=tuple(map(str, to)),
                    on_delete=parts[0][3].upper(),
                )


def _set_up(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("foreign_keys = ON", "trusted_schema = OFF", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
