"""The transform's SQL: the model's own text where the engine speaks its dialect, else the translated tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from dvt.core.plan import TableColumn, TransformTable
from dvt.core.queries import Sql, TablePlace, ValuePlace, joined
from dvt.core.surrogates import free_name, sanitised, surrogates
from dvt.core.tables import Column
from dvt.federation.plan.collation.derivation import own_collation
from dvt.federation.plan.markers import marked_tables
from dvt.federation.plan.state import PlanState, TableScan, plan_pass
from dvt.federation.plan.values import answer_place, with_places

_TABLE = "dvt_table"
"""Meta key of a table's name in the tree: the table's number in the transform."""


@plan_pass(
    needs=(
        "is_rewritten original_names places scans scans.columns scans.input scans.place scans.table "
        "spans tree"
    ),
    gives="own_sql scans.alias sql transform_tables",
)
def write_transform(state: PlanState) -> None:
    """Write the transform over all columns of its tables.

    Only the names of relations change in the model's own text, and scalars that are asked first.

    Example:
        >>> state = state_after(write_transform, "SELECT /* all */ o.* FROM {orders} o WHERE total>5")
        >>> state.sql
        ('SELECT /* all */ o.* FROM ', TablePlace(number=0), ' o WHERE total>5')
    """
    tables = tables_of(state)
    state.transform_tables = tuple(tables.values())
    for scan in state.scans:
        scan.alias = tables[scan.input.unique_id].alias
    own = not state.original_names and not state.is_rewritten
    state.sql = own_text(state, tables) if own else _rendered_tree(state, tables)
    asks = state.context.bind_own is not None and state.is_rewritten
    state.own_sql = own_text(state, tables, lambda node: node.sql(state.dialect)) if asks else ""


def tables_of(state: PlanState) -> dict[str, TransformTable]:
    """Return the transform's tables by unique id, in the order of their numbers."""
    tables: dict[str, TransformTable] = {}
    taken: set[str] = set()
    for scan in state.scans:
        if scan.input.unique_id not in tables:
            alias = free_name(f"dvt_{sanitised(scan.name)}", taken)
            tables[scan.input.unique_id] = _table(state, scan, alias)
    return tables


def own_text(
    state: PlanState, tables: Mapping[str, TransformTable], write: Callable[[exp.Expr], str] | None = None
) -> Sql:
    """Return the model's text, with places for its relations and for values that are asked first.

    `write` writes what stands for these values; by default it is in the engine's SQL.
    """
    changes: dict[tuple[int, int], Sql] = {
        span: joined("(", with_places(value, write or state.in_engine, answer_place), ")")
        for span, value in state.spans.items()
    }
    numbers = {unique_id: number for number, unique_id in enumerate(tables)}
    for place in state.places:
        if not any(start < place.start < end for start, end in state.spans):
            changes[place.start, place.end] = (TablePlace(numbers[place.key]),)
    pieces: list[Sql] = []
    end = 0
    for (start, after), change in sorted(changes.items(), key=lambda item: item[0]):
        pieces += [state.request.sql[end:start], change]
        end = after
    return joined(*pieces, state.request.sql[end:])


def _table(state: PlanState, scan: TableScan, alias: str) -> TransformTable:
    place = state.places[scan.place]
    named = {column.column.name: column.name for column in surrogates(scan.table.columns)}
    names = {column.name: _shown(name, column) for name, column in scan.columns.items()}
    return TransformTable(
        name=scan.name,
        alias=alias,
        columns=tuple(
            TableColumn(
                name=names[column.name],
                surrogate=named[column.name],
                type=column.stage,
                collation=own_collation(state, column),
            )
            for column in scan.table.columns
            if column.name in names
        ),
        shown=state.request.sql[place.start : place.end],
    )


def _shown(name: str, column: Column) -> str:
    """Return a column's name in the transform: that of its table, unless it had to be renamed."""
    return column.name if column.name.lower() == name else name


def _rendered_tree(state: PlanState, tables: Mapping[str, TransformTable]) -> Sql:
    numbers = {unique_id: number for number, unique_id in enumerate(tables)}
    tree = state.tree.copy()
    for place, table in list(marked_tables(tree)):
        table.this.meta[_TABLE] = numbers[state.places[place].key]
        table.set("db", None)
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
    return with_places(tree, state.in_engine, _place)


def _place(node: exp.Expr) -> TablePlace | ValuePlace | None:
    if isinstance(node, exp.Identifier) and _TABLE in node.meta:
        return TablePlace(node.meta[_TABLE])
    return answer_place(node)
