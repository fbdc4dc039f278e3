"""The columns that Spark itself reads for a SELECT, by its plan over empty tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dvt.engines.spark.tables import TableNames

_SCAN = "FileSourceScanExec"


def reads(frame: Any, names: TableNames) -> tuple[frozenset[str] | None, ...]:
    """Return the surrogates of the columns read of each table; None for a table whose rows nobody reads."""
    found: dict[str, set[str]] = {}
    plan = frame._jdf.queryExecution().executedPlan()  # noqa: SLF001  PySpark shows plans as text alone
    for part in (plan, *_each(plan.subqueriesAll())):
        for leaf in _each(part.collectLeaves()):
            if leaf.getClass().getSimpleName() == _SCAN:
                table = leaf.tableIdentifier().get()
                columns = found.setdefault(str(table.database().get()), set())
                columns |= set(_each_name(leaf.requiredSchema()))
    return tuple(
        frozenset(found[names.schema(number)]) if names.schema(number) in found else None
        for number in range(len(names.tables))
    )


def _each(sequence: Any) -> Iterator[Any]:
    return (sequence.apply(index) for index in range(sequence.size()))


def _each_name(schema: Any) -> Iterator[str]:
    return (str(name) for name in schema.fieldNames())
