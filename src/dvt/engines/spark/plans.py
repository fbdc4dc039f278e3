"""The columns that Spark itself reads for a SELECT, by its plan over empty tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dvt.engines.spark.tables import BASE, TableNames

_SCAN = "FileSourceScanExec"
_WITHOUT_SCANS = frozenset(
    {"EmptyRelationExec", "LocalTableScanExec", "OneRowRelationExec", "RangeExec", "RDDScanExec"}
    | {"ReusedExchangeExec"}
)
"""Leaves of a plan that read no table, or one whose scan stands elsewhere in the plan."""
_LOOP = re.compile(r"\bUnionLoop\b")
"""Matches what WITH RECURSIVE becomes in the text of a plan, which does not show the scans within."""
_SCAN_TEXT = re.compile(
    rf"^\(\d+\) Scan parquet (?:spark_catalog\.)?(\w+)\.{BASE}\s*$(.*?)^ReadSchema: struct<(.*)>\s*$",
    re.MULTILINE | re.DOTALL,
)
"""Matches a scan of a table in the text of a plan: its schema, and what is read of it."""


def reads(frame: Any, names: TableNames) -> tuple[frozenset[str] | None, ...]:
    """Return the surrogates of the columns read of each table; None for a table whose rows nobody reads."""
    found: dict[str, set[str]] = {}
    plan = frame._jdf.queryExecution().executedPlan()  # noqa: SLF001  PySpark shows plans as text alone
    for part in (plan, *_each(plan.subqueriesAll())):
        for leaf in _each(part.collectLeaves()):
            kind = leaf.getClass().getSimpleName()
            if kind != _SCAN and kind not in _WITHOUT_SCANS:
                return _all_columns(names)
            if kind == _SCAN:
                table = leaf.tableIdentifier().get()
                columns = found.setdefault(str(table.database().get()), set())
                columns |= set(_each_name(leaf.requiredSchema()))
    return _by_table(found, names)


def reads_in_text(plan: str, names: TableNames) -> tuple[frozenset[str] | None, ...]:
    """Return what `reads` does, by the text of EXPLAIN FORMATTED."""
    if _LOOP.search(plan):
        return _all_columns(names)
    found: dict[str, set[str]] = {}
    known = [{column.surrogate for column in table.columns} for table in names.tables]
    all_of = {names.schema(number): columns for number, columns in enumerate(known)}
    scans = [part for part in re.split(r"\n\s*\n", plan) if re.search(rf"^\(\d+\) Scan .*\.{BASE}\b", part)]
    for scan in scans:
        match = _SCAN_TEXT.search(scan)
        schema = match[1] if match else next(name for name in all_of if name in scan)
        columns = set(_top_names(match[3])) if match else all_of[schema]
        # A name that is none of the table's was cut out of a nested type: all columns are read, then.
        found.setdefault(schema, set()).update(
            columns if columns.issubset(all_of[schema]) else all_of[schema]
        )
    return _by_table(found, names)


def _all_columns(names: TableNames) -> tuple[frozenset[str] | None, ...]:
    """Return all columns of all tables: a part of the plan does not tell what it reads."""
    return tuple(frozenset(column.surrogate for column in table.columns) for table in names.tables)


def _by_table(found: dict[str, set[str]], names: TableNames) -> tuple[frozenset[str] | None, ...]:
    schemas = [names.schema(number) for number in range(len(names.tables))]
    return tuple(frozenset(found[schema]) if schema in found else None for schema in schemas)


def _top_names(fields: str) -> Iterator[str]:
    """Yield the names of fields in the text of a struct's type, without those of nested structs."""
    depth, begin = 0, 0
    for place, character in enumerate(f"{fields},"):
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            name = fields[begin:place].partition(":")[0]
            if name:
                yield name
            begin = place + 1


def _each(sequence: Any) -> Iterator[Any]:
    return (sequence.apply(index) for index in range(sequence.size()))


def _each_name(schema: Any) -> Iterator[str]:
    return (str(name) for name in schema.fieldNames())
