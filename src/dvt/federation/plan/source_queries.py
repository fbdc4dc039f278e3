"""One query per table: the columns in use, and the conditions of all its scans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from sqlglot import exp

from dvt.core.errors import PlaceImpossible
from dvt.core.names import TableRef
from dvt.core.queries import ExtractedColumn, Need, NotPushed, SourceQuery, Sql, joined, places
from dvt.core.requests import Pushdown
from dvt.core.surrogates import CONSTANT, surrogates
from dvt.core.tables import Column, Table
from dvt.core.types import INTEGER
from dvt.federation.plan.safe import Pushed, exact_conditions, push
from dvt.federation.plan.state import PlanState, TableScan, plan_pass

_NOTHING = "1 = 0"
"""Condition of a query for no rows, in every dialect."""
_CONSTANT = Column(name="", native="", stage=INTEGER, read="1", unpack="CAST({0} AS INTEGER)")
"""The column read from a table of which only the number of rows matters."""


@plan_pass(
    needs=(
        "samples scans scans.alias scans.candidates scans.columns scans.input scans.is_skipped scans.limit "
        "scans.needed scans.number scans.table tokens"
    ),
    gives="needs queries scans.not_pushed",
)
def extract(state: PlanState) -> None:
    """Merge the scans of one table into one query, in its source's dialect.

    Example:
        >>> first, second = "SELECT id FROM {orders} WHERE total > 5", "SELECT id FROM {orders} WHERE id = 1"
        >>> (query,) = state_after(extract, f"{first} UNION ALL {second}").queries
        >>> print(query.shown)
        SELECT "id" AS "id", "total" AS "total" FROM "main"."orders" WHERE ((("total" > 5)) OR (("id" = 1)))
    """
    pushed = push(state)
    groups: dict[str, list[TableScan]] = defaultdict(list)
    for scan in state.scans:
        groups[scan.alias].append(scan)
    for alias, group in groups.items():
        where: list[Sql] = [_NOTHING] if group[0].is_skipped else _shared(group, pushed)
        if state.request.pushdown is Pushdown.OFF and not group[0].is_skipped:
            where = _without_misfits(state, group)
        query = _merged_query(state, alias, group, where)
        state.queries.append(_limited(query, group, pushed))


def _without_misfits(state: PlanState, group: list[TableScan]) -> list[Sql]:
    """Return a condition for where nothing is pushed: it leaves out useless rows that cannot be staged.

    Without it, pushing would decide whether such a row stops the run.
    """
    dialect = state.context.dialects[group[0].input.table.connection]
    names = {scan.columns[name].name for scan in group for name in scan.needed}
    misfits = [
        f"({column.misfit.format(quoted(column.name, dialect))})"
        for column in group[0].table.columns
        if column.misfit and column.name in names
    ]
    used = _shared(group, exact_conditions(state)) if misfits else []
    if not used:
        return []
    kept = _joined_by(" AND ", [joined("(", condition, ")") for condition in used])
    return [joined("(", kept, f") OR ({' OR '.join(misfits)}) IS NOT TRUE")]


@lru_cache(maxsize=10_000)
def quoted(name: str, dialect: str) -> str:
    """Quote a name as `dialect` does."""
    return exp.to_identifier(name, quoted=True).sql(dialect=dialect)


def relation(ref: TableRef, dialect: str) -> str:
    """Write a table as `dialect` does."""
    parts = [ref.database, ref.schema, ref.identifier]
    return ".".join(quoted(part, dialect) for part in parts if part)


def _merged_query(state: PlanState, alias: str, group: list[TableScan], where: list[Sql]) -> SourceQuery:
    """Return the query that answers all scans of one table, with the columns that any of them needs."""
    table = group[0].table
    ref = group[0].input.table
    dialect = state.context.dialects[ref.connection]
    if not table.columns:  # as PostgreSQL allows: the column that counts the rows would be the table's own
        what = f"a model that reads {relation(ref, dialect)}"
        way_out = "let its own database compute it (`compute: source`)"
        raise PlaceImpossible(what, "elsewhere", "the table has no columns", way_out)
    names = {scan.columns[name].name for scan in group for name in scan.needed}
    columns = [extracted for extracted in surrogates(table.columns) if extracted.column.name in names]
    columns = columns or [ExtractedColumn(name=CONSTANT, column=_CONSTANT)]
    _warn_of_losses(state, table, columns)
    return SourceQuery(
        alias=alias,
        connection=ref.connection,
        tables=(ref,),
        names=(relation(ref, dialect),),
        select=tuple(selected(column, dialect) for column in columns),
        where=tuple(where),
        needs=needed(state, where),
        columns=tuple(columns),
        scan=table.scannable,
        not_pushed=tuple(dict.fromkeys(predicate for scan in group for predicate in scan.not_pushed)),
        rows=0 if group[0].is_skipped else table.rows,
        bytes=0 if group[0].is_skipped else table.bytes,
        this=group[0].input.this,
        reading=table.reading,
        bucket=state.request.bucket_of(group[0].input),
        extraction=group[0].input.extraction,
    )


def _limited(query: SourceQuery, group: list[TableScan], pushed: dict[int, list[Pushed]]) -> SourceQuery:
    """Return the query with the scan's limit, if its source applies all the conditions of the one scan."""
    scan = group[0]
    if scan.limit is None or scan.is_skipped or len(group) > 1 or query.needs:
        return query
    if len(pushed[scan.number]) != len(scan.candidates):
        return query
    rows = scan.limit if query.rows is None else min(query.rows, scan.limit)
    return replace(query, limit=scan.limit, scan=False, rows=rows, bytes=None)


def selected(column: ExtractedColumn, dialect: str) -> str:
    """Return the SQL that reads a column, as it stands in the SELECT of a source query."""
    return (
        f"{column.column.read.format(quoted(column.column.name, dialect))} AS {quoted(column.name, dialect)}"
    )


def _shared(group: list[TableScan], pushed: dict[int, list[Pushed]]) -> list[Sql]:
    """Return the conditions that all scans have, and the OR of the others of each scan."""
    by_scan = [pushed[scan.number] for scan in group]
    first, *others = [[condition.sql for condition in conditions] for conditions in by_scan]
    common = [sql for sql in first if all(sql in other for other in others)]
    rest = [[condition for condition in conditions if condition.sql not in common] for conditions in by_scan]
    if len(group) > 1 and all(rest):
        return [*common, _joined_by(" OR ", [_all_of(conditions) for conditions in rest])]
    for scan, conditions in zip(group, rest, strict=True):
        scan.not_pushed += [
            NotPushed(condition.as_written, "the same table is read without it elsewhere")
            for condition in conditions
        ]
    return common


def _all_of(conditions: list[Pushed]) -> Sql:
    return joined(
        "(", _joined_by(" AND ", [joined("(", condition.sql, ")") for condition in conditions]), ")"
    )


def _joined_by(word: str, texts: list[Sql]) -> Sql:
    return joined(*[part for text in texts for part in (word, text)][1:])


def needed(state: PlanState, where: Sequence[Sql]) -> tuple[Need, ...]:
    """Return the needs of conditions."""
    names = {name for condition in where for name in places(condition)}
    return tuple(need for need in state.needs.values() if need.name in names)


def _warn_of_losses(state: PlanState, table: Table, columns: list[ExtractedColumn]) -> None:
    for column in columns:
        if column.column.loses:
            state.warn(
                "DVT002",
                f"{table.ref}, column {column.column.name} ({column.column.native}): {column.column.loses}",
            )
