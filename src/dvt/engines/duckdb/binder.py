"""Binding on empty tables: a SELECT's outputs, and the columns that DuckDB itself reads for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from dvt.core.plan import Binding, TransformTable
from dvt.core.queries import Sql
from dvt.core.tables import StageColumn
from dvt.core.types import StageType, UnknownType
from dvt.drivers.duckdb import empty_instance
from dvt.drivers.duckdb.collations import define_functions
from dvt.engines.duckdb.clock import Clock
from dvt.engines.duckdb.narrowing import narrowed
from dvt.engines.duckdb.tables import EmptyTables, TableNames, without_names

_UNUSED_COLUMNS = "unused_columns"
"""The optimizer that leaves out the columns that nobody reads."""
_NEVER_READ = frozenset({"filter_pushdown", "empty_result_pullup"})
"""Optimizers that leave out tables below a condition that is never true, as `WHERE false` and `LIMIT 0`."""


class UntypedOutput(Exception):
    """A SELECT has an output whose type is not known before there are data, or cannot be staged."""


class Binder:
    """A DuckDB of its own for questions about SELECTs: which optimizers run is a setting of an instance.

    Tables and the clock are made once and stay. Thread-safe: one question at a time.
    """

    def __init__(self, clock: Clock) -> None:
        self._lock = threading.Lock()
        self._root = empty_instance()
        clock.define(self._root)
        self._tables = EmptyTables()
        self._optimizers = [
            name for (name,) in self._root.execute("SELECT name FROM duckdb_optimizers()").fetchall()
        ]

    def bind(self, sql: Sql, tables: Sequence[TransformTable], functions: Sequence[str]) -> Binding:
        """See Engine; DuckDB's own errors."""
        with self._bound(sql, tables, functions) as (cursor, text, names):
            described = cursor.execute(f"DESCRIBE ({text}\n)").fetchall()
            columns = tuple(
                StageColumn(without_names(name), _type(name, type_)) for name, type_, *_ in described
            )
            return Binding(columns=columns, reads=self._reads(cursor, text, names))

    def narrowed(
        self, sql: Sql, tables: Sequence[TransformTable], functions: Sequence[str]
    ) -> tuple[str, ...]:
        """See Engine; DuckDB's own errors."""
        with self._bound(sql, tables, functions) as (cursor, text, _):
            return narrowed(cursor, text)

    @contextmanager
    def _bound(
        self, sql: Sql, tables: Sequence[TransformTable], functions: Sequence[str]
    ) -> Iterator[tuple[Any, str, TableNames]]:
        """Give a connection that sees the empty tables, the SELECT over them, and their names."""
        with self._lock:
            names = self._tables.names(self._root, tables)
            self._root.execute("BEGIN")
            try:
                define_functions(self._root, functions)
                yield self._root, names.rendered(sql), names
            finally:
                self._root.execute("ROLLBACK")  # another SELECT has other functions; a PIVOT makes types

    def close(self) -> None:
        """Release the instance."""
        self._root.close()

    def _reads(self, cursor: Any, text: str, names: TableNames) -> tuple[frozenset[str] | None, ...]:
        columns = self._scans(cursor, text, names, {_UNUSED_COLUMNS})
        scanned = self._scans(cursor, text, names, {_UNUSED_COLUMNS, *_NEVER_READ})
        if columns is None:
            return tuple(frozenset(column.surrogate for column in table.columns) for table in names.tables)
        return tuple(
            frozenset(columns.get(base, ())) if scanned is None or base in scanned else None
            for base in names.bases
        )

    def _scans(
        self, cursor: Any, text: str, names: TableNames, optimizers: set[str]
    ) -> dict[str, set[str]] | None:
        """Return the columns of each base table in DuckDB's plan; None if it cannot make the plan."""
        off = ",".join(name for name in self._optimizers if name not in optimizers)
        cursor.execute(f"SET GLOBAL disabled_optimizers = '{off}'")
        try:
            row = cursor.execute(f"EXPLAIN (FORMAT json) {text}").fetchone()
        except duckdb.Error:  # what runs is another plan: DESCRIBE has reported what is wrong with the SQL
            return None
        if row is None:  # DuckDB runs such a PIVOT as several statements
            raise UntypedOutput("a PIVOT takes its columns from the data: list them by IN (…)")
        scans: dict[str, set[str]] = {}
        for base, columns in _base_scans(json.loads(row[1])):
            scans.setdefault(base.removeprefix(names.prefix), set()).update(columns)
        return scans


def _base_scans(nodes: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Yield the table and the columns of each scan in a plan."""
    for node in nodes:
        info = node.get("extra_info", {})
        if "Table" in info:
            projections = info.get("Projections") or []
            columns = [projections] if isinstance(projections, str) else projections
            # A field of a struct is read as `column.field`.
            yield info["Table"], [column.partition(".")[0] for column in columns]
        yield from _base_scans(node.get("children", []))


def _type(name: str, type_name: str) -> StageType:
    try:
        return StageType.parse(type_name)
    except UnknownType as error:
        raise UntypedOutput(
            f"column {name} has the type {type_name}, which cannot be staged: cast it to another"
        ) from error
