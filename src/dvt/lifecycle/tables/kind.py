"""Rows of a table as items: backed up as lines of JSON, deleted in batches of one transaction each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from dvt.config.lifecycle_tables import SqlTable
from dvt.core.errors import DvtError, RowsUnreachable
from dvt.core.retention import Item, Outcome, PlannedItem, Result
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.back_up.sources import NotRestored
from dvt.lifecycle.files import Stays
from dvt.lifecycle.tables.backup_lines import Bundle, lines_of, read_lines
from dvt.lifecycle.tables.database import Database
from dvt.lifecycle.tables.dialect import size_of
from dvt.lifecycle.tables.finder import RowFinder
from dvt.lifecycle.tables.rows import collect, delete, identity_of, key_values, put_back
from dvt.lifecycle.tables.shape import Shape, shape_of

_GONE = "it is gone"
_STATEMENT = 1 << 18
"""Bytes of a statement beside the values of its row, at most: names and types of 4096 columns."""


class _Refused(Exception):
    """The database does not delete rows: why, in its words. Nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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
                self._shape = shape_of(connection, self._database.dialect, self._table)
                keys = [key_values(item.key) for item in items]
                found = collect(connection, self._table, self._shape, keys)
                longest = self._database.dialect.longest(connection)
            found = [self._returnable(rows, longest) for rows in found]
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
                shape = shape_of(connection, self._database.dialect, self._table)
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
            return self._locked_or_gone(self._delete_together(items, hashes))
        except _Refused as refused:  # one of them does not let itself be deleted: which?
            if len(items) == 1:
                return [Stays(Result.FAILED, refused.reason).outcome(items[0])]
            pairs = zip(items, hashes, strict=True)
            return [outcome for item, sha256 in pairs for outcome in self._delete([item], [sha256])]
        except DvtError as error:
            # The transaction was not made, or nobody has heard that it was.
            return [self._after(item, error) for item in items]

    def _delete_together(self, items: Sequence[Item], hashes: Sequence[str]) -> list[Outcome]:
        """Delete items in one transaction; _Refused if the database does not, which still answers."""
        with self._database.writing() as connection:
            shape = shape_of(connection, self._database.dialect, self._table)
            outcomes = [Outcome(item=item, result=Result.DELETED) for item in items]
            try:
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
                if (
                    getattr(error, "connection_invalidated", False)
                    or connection.invalidated
                    or connection.closed
                ):
                    raise
                told = error.detail if isinstance(error, Stays) else self._database.told(error)
                raise _Refused(told) from None
        return outcomes

    def _locked_or_gone(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Return outcomes that tell what somebody holds from what is gone: neither was found."""
        gone = [number for number, of in enumerate(outcomes) if of.detail == _GONE]
        present = self._finder.look([outcomes[number].item for number in gone], 0) if gone else []
        for number, there in zip(gone, present, strict=True):
            if there is not None:
                item = outcomes[number].item
                outcomes[number] = Stays(Result.CHANGED, "somebody holds a lock of it").outcome(item)
        return outcomes

    def _returnable(self, found: Bundle | Stays, longest: int | None) -> Bundle | Stays:
        """Return the rows of an item; Stays if one of them could not be put back as it is."""
        if isinstance(found, Stays):
            return found
        for name, rows in found.items():
            for row in rows:
                if any(map(self._database.dialect.is_lost, row)):
                    problem = f"a value of {name[1]} cannot be read whole, or not be put back as it is"
                    return Stays(Result.FAILED, problem)
                if longest is not None and sum(map(size_of, row)) + _STATEMENT > longest:
                    problem = f"a row of {name[1]} is too long to be put back: see max_allowed_packet"
                    return Stays(Result.FAILED, problem)
        return found

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
