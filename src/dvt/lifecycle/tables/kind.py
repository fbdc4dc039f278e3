"""Rows of a table as items: backed up as lines of JSON, deleted in batches of one transaction each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from dvt.config.lifecycle_tables import SqlTable
from dvt.core.errors import DvtError, RowsUnreachable
from dvt.core.retention import Item, Outcome, PlannedItem, Result
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.sources import NotRestored
from dvt.lifecycle.files import Stays
from dvt.lifecycle.tables.database import Database
from dvt.lifecycle.tables.finder import RowFinder
from dvt.lifecycle.tables.rows import (
    Bundle,
    collect,
    delete,
    identity_of,
    key_values,
    lines_of,
    put_back,
    read_lines,
)
from dvt.lifecycle.tables.shape import Shape, shape_of

_GONE = "it is gone"


class TableRows:
    """Implements Kind for the rows of one table."""

    automatic = True

    def __init__(self, table: SqlTable) -> None:
        """RowsMisdescribed if the address of the database is none."""
        self._table = table
        self._database = Database(table.name, table.url)
        self._finder = RowFinder(table, self._database)
        self._shape: Shape | None = None
        self._read: dict[str, Bundle | Stays] = {}
        """Rows that were read to be copied next, by the item's key."""

    @property
    def data_types(self) -> tuple[str, ...]:
        """See Kind."""
        return (self._table.name,)

    def finder(self, data_types: frozenset[str]) -> RowFinder:  # noqa: ARG002
        """See Kind."""
        return self._finder

    def needs_backup(self, item: Item) -> bool:  # noqa: ARG002
        """See Kind."""
        return True

    def close(self) -> None:
        """See Kind."""
        self._database.close()

    def prepare(self, items: Sequence[Item]) -> None:
        """See Kind. The rows of all of them are read at once, as of one moment."""
        self._shape, self._read = None, {}
        try:
            with self._database.reading() as connection:
                self._shape = shape_of(connection, self._table)
                keys = [key_values(item.key) for item in items]
                found = collect(connection, self._table, self._shape, keys)
        except DvtError as error:
            found = [Stays(Result.FAILED, error.message)] * len(items)
        self._read = {item.key: rows for item, rows in zip(items, found, strict=True)}

    def copy(self, item: Item, target: int) -> None:
        """See Kind. The backup has a line for each row, with those that refer to it."""
        self._require_ours(item)
        bundle = self._read.pop(item.key)
        if isinstance(bundle, Stays):
            raise bundle
        assert self._shape is not None  # noqa: S101  it was read with the rows
        rows = bundle[self._shape.main.name]
        if not rows:
            raise Stays(Result.CHANGED, _GONE)
        if identity_of(rows) != item.identity:
            raise Stays(Result.CHANGED, "it has changed since the plan was made")
        with os.fdopen(os.dup(target), "wb") as file:
            file.writelines(lines_of(self._shape, bundle))

    def restore(self, entry: Entry, backup: int) -> str:
        """See Kind. All rows come back, or none."""
        self._require_same_place(entry.item)
        with os.fdopen(os.dup(backup), "rb") as file:
            content = file.read()
        missing = False
        try:
            with self._database.writing() as connection:
                shape = shape_of(connection, self._table)
                for name, row in read_lines(content):
                    if name not in shape.tables:
                        raise NotRestored(f"{name[1]} does not refer to {self._table.table} any more")
                    missing |= put_back(connection, shape.tables[name], row)
        except RowsUnreachable as error:
            raise NotRestored(error.reason) from error
        return "" if missing else "it is there already"

    def is_there(self, item: Item) -> bool:
        """See Kind."""
        return self._finder.look([item], 0) != [None]

    def delete(self, planned: Sequence[PlannedItem], hashes: Sequence[str]) -> list[Outcome]:
        """See Kind. What is deleted is what was backed up, to the last value of the last row."""
        outcomes: list[Outcome] = []
        for begin in range(0, len(planned), self._table.batch):
            some = slice(begin, begin + self._table.batch)
            outcomes += self._delete([of.item for of in planned[some]], hashes[some])
        return outcomes

    def _delete(self, items: Sequence[Item], hashes: Sequence[str]) -> list[Outcome]:
        try:
            with self._database.writing() as connection:
                shape = shape_of(connection, self._table)
                outcomes = self._try(connection, shape, items, hashes)
                if outcomes is None:  # one of them does not let itself be deleted: which?
                    alone = (
                        self._try(connection, shape, [item], [sha256], is_last=True)
                        for item, sha256 in zip(items, hashes, strict=True)
                    )
                    outcomes = [outcome for some in alone for outcome in some or ()]
                return outcomes
        except DvtError as error:
            # The transaction was not made, or nobody has heard that it was.
            return [self._after(item, error) for item in items]

    def _try(
        self,
        connection: Connection,
        shape: Shape,
        items: Sequence[Item],
        hashes: Sequence[str],
        *,
        is_last: bool = False,
    ) -> list[Outcome] | None:
        """Delete items together; None if the database refuses, unless `is_last`, which says why."""
        outcomes = [Outcome(item=item, result=Result.DELETED) for item in items]
        try:
            with connection.begin_nested():
                keys = [key_values(item.key) for item in items]
                found = collect(connection, self._table, shape, keys, lock=True)
                going: list[Bundle] = []
                for number, (item, rows, sha256) in enumerate(zip(items, found, hashes, strict=True)):
                    try:
                        self._require_ours(item)
                        going.append(_backed_up(shape, rows, sha256))
                    except Stays as stays:
                        outcomes[number] = stays.outcome(item)
                delete(connection, shape, going)
        except (SQLAlchemyError, Stays) as error:
            if getattr(error, "connection_invalidated", False) or connection.invalidated or connection.closed:
                raise
            if not is_last:
                return None
            told = error.detail if isinstance(error, Stays) else self._database.told(error)
            return [Stays(Result.FAILED, told).outcome(item) for item in items]
        return outcomes

    def _after(self, item: Item, error: DvtError) -> Outcome:
        (present,) = self._finder.look([item], 0)
        if present is None:
            return Outcome(item=item, result=Result.DELETED, detail=f"and then: {error.message}")
        return Stays(Result.FAILED, error.message).outcome(item)

    def _require_ours(self, item: Item) -> None:
        if item.root != self._database.label:
            raise Stays(Result.FAILED, f"it is of {item.root}, which lifecycle.yml does not name any more")

    def _require_same_place(self, item: Item) -> None:
        if item.root != self._database.label:
            raise NotRestored(f"it is of {item.root}, and lifecycle.yml names {self._database.label}")


def _backed_up(shape: Shape, rows: Bundle | Stays, sha256: str) -> Bundle:
    """Return the rows of an item; Stays unless they are those of which there is a backup with this hash."""
    if isinstance(rows, Stays):
        raise rows
    if not rows[shape.main.name]:
        raise Stays(Result.CHANGED, _GONE)
    if hashlib.sha256(b"".join(lines_of(shape, rows))).hexdigest() != sha256:
        raise Stays(Result.CHANGED, "it has changed since it was backed up")
    return rows
