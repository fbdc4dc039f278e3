"""One extraction per table: the columns in use, and the conditions that all its readers share."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from sqlglot import exp

from dvt.core.names import TableRef
from dvt.core.queries import ExtractedColumn, Need, NotPushed, SourceQuery, Sql, joined, places
from dvt.core.tables import Column, Table
from dvt.core.types import INTEGER
from dvt.federation.plan.safe import Pushed, push
from dvt.federation.plan.state import PlanState, TableScan, plan_pass

_LONGEST = 40
_SAFE = re.compile(r"^[a-z_][a-z0-9_]*$")
_ONE = Column(name="", native="", stage=INTEGER, read="1", unpack="CAST({0} AS INTEGER)")
"""What is read of a table of which only the number of rows matters."""


@plan_pass(
    needs=(
        "no_pruning scans scans.candidates scans.columns scans.input scans.needed "
        "scans.no_pushdown scans.number scans.table tree"
    ),
    gives="needs queries scans.alias scans.kept",
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
    groups: dict[tuple[TableRef, bool], list[TableScan]] = defaultdict(list)
    for one in state.scans:
        groups[one.input.table, one.input.this].append(one)
    taken = {node.name.lower() for node in state.tree.find_all(exp.Identifier)}
    for (ref, _), group in groups.items():
        alias = free_name(f"dvt_{_sanitised(ref.identifier)}", taken)
        state.queries.append(_extraction(state, alias, group, _shared(group, pushed)))
        for one in group:
            one.alias = alias


def quoted(name: str, dialect: str) -> str:
    """A name as `dialect` quotes it."""
    return exp.to_identifier(name, quoted=True).sql(dialect=dialect)


def relation(ref: TableRef, dialect: str) -> str:
    """A table as `dialect` writes it."""
    parts = [ref.database, ref.schema, ref.identifier]
    return ".".join(quoted(part, dialect) for part in parts if part)


def free_name(wish: str, taken: set[str]) -> str:
    """`wish`, or the first numbered one that is not taken; taken from now on."""
    name, number = wish, 1
    while name in taken:
        number += 1
        name = f"{wish}_{number}"
    taken.add(name)
    return name


def surrogates(columns: Sequence[Column]) -> list[ExtractedColumn]:
    """All columns of a table under lower-case names that every database takes.

    A column's name follows from its table alone, so that who reads more of it reads it by the same name.
    """
    taken: set[str] = set()
    return [ExtractedColumn(name=free_name(_sanitised(one.name), taken), column=one) for one in columns]


def _extraction(state: PlanState, alias: str, group: list[TableScan], where: list[Sql]) -> SourceQuery:
    table = group[0].table
    ref = group[0].input.table
    dialect = state.context.dialects[ref.connection]
    names = {one.columns[name].name for one in group for name in one.needed}
    columns = [one for one in surrogates(table.columns) if one.column.name in names]
    columns = columns or [ExtractedColumn(name="dvt_one", column=_ONE)]
    _warn_of_losses(state, table, columns)
    return SourceQuery(
        alias=alias,
        connection=ref.connection,
        tables=(ref,),
        names=(relation(ref, dialect),),
        select=tuple(_selected(one, dialect) for one in columns),
        where=tuple(where),
        needs=needed(state, where),
        columns=tuple(columns),
        scan=table.scannable,
        kept=tuple(dict.fromkeys(kept for one in group for kept in [*_whole(state, one), *one.kept])),
        rows=table.rows,
        bytes=table.bytes,
        this=group[0].input.this,
    )


def _whole(state: PlanState, one: TableScan) -> list[NotPushed]:
    """Why every column is read, where that is so."""
    why = state.no_pruning or one.no_pushdown
    return [NotPushed("*", f"every column is read: {why}")] if why else []


def _selected(one: ExtractedColumn, dialect: str) -> str:
    return f"{one.column.read.format(quoted(one.column.name, dialect))} AS {quoted(one.name, dialect)}"


def _shared(group: list[TableScan], pushed: dict[int, list[Pushed]]) -> list[Sql]:
    """The conditions of all readers, and the OR of what is left of each."""
    each = [pushed[one.number] for one in group]
    common = [
        one.sql for one in each[0] if all(one.sql in [other.sql for other in rest] for rest in each[1:])
    ]
    rest = [[one for one in mine if one.sql not in common] for mine in each]
    if len(group) > 1 and all(rest):
        return [*common, _between(" OR ", [_all_of(mine) for mine in rest])]
    for one, mine in zip(group, rest, strict=True):
        one.kept += [
            NotPushed(left.as_written, "the same table is read without it elsewhere") for left in mine
        ]
    return common


def _all_of(conditions: list[Pushed]) -> Sql:
    return joined("(", _between(" AND ", [joined("(", one.sql, ")") for one in conditions]), ")")


def _between(word: str, texts: list[Sql]) -> Sql:
    return joined(*[part for text in texts for part in (word, text)][1:])


def needed(state: PlanState, where: Sequence[Sql]) -> tuple[Need, ...]:
    """What conditions are waiting for."""
    names = {name for condition in where for name in places(condition)}
    return tuple(need for need in state.needs.values() if need.name in names)


def _warn_of_losses(state: PlanState, table: Table, columns: list[ExtractedColumn]) -> None:
    for one in columns:
        if one.column.loses:
            state.warn(
                "DVT002", f"{table.ref}, column {one.column.name} ({one.column.native}): {one.column.loses}"
            )


def _sanitised(name: str) -> str:
    low = name.lower()
    if _SAFE.match(low) and len(low) <= _LONGEST:
        return low
    return "c_" + re.sub(r"[^a-z0-9]+", "_", low).strip("_")[:_LONGEST]
