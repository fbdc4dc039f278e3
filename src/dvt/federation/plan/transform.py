"""The tree becomes the transform: its tables are the staged ones."""

from __future__ import annotations

from sqlglot import exp

from dvt.core.queries import SourceQuery
from dvt.federation.plan.state import PlanState, TableScan, plan_pass

_KEPT = ("joins", "sample", "pivots", "laterals")


@plan_pass(
    needs="queries scans scans.alias scans.columns scans.needed scans.node scans.table",
    gives="tree",
)
def rewrite(state: PlanState) -> None:
    """Read every scan from its staged table, under the names its columns have at the source.

    Example:
        >>> after(rewrite, "SELECT o.id FROM {orders} AS o WHERE total > 5")
        SELECT o.id FROM "dvt_orders" AS o WHERE total > 5
    """
    staged = {one.alias: one for one in state.queries}
    for one in state.scans:
        _read_staged(one, staged[one.alias])


def _read_staged(one: TableScan, query: SourceQuery) -> None:
    alias = one.node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(one.node.name, quoted=True))
    table = exp.Table(this=exp.to_identifier(query.alias, quoted=True))
    shown = _shown(one, query)
    if all(surrogate == name for surrogate, name in shown):
        new: exp.Expr = table
    else:
        outputs = [
            exp.alias_(exp.column(exp.to_identifier(surrogate, quoted=True)), name, quoted=True)
            for surrogate, name in shown
        ]
        new = exp.Subquery(this=exp.Select(expressions=outputs).from_(table))
    new.set("alias", alias.copy())
    for key in _KEPT:
        if one.node.args.get(key):
            new.set(key, one.node.args[key])
    new.meta.update(one.node.meta)
    one.node.replace(new)


def _shown(one: TableScan, query: SourceQuery) -> list[tuple[str, str]]:
    """Surrogate and name of every column that this scan shows, in the table's order."""
    surrogates = {column.column.name: column.name for column in query.columns}
    return [
        (surrogates[column.name], column.name if column.name.lower() == name else name)
        for name, column in sorted(one.columns.items(), key=lambda item: _position(one, item[1].name))
        if name in one.needed
    ]


def _position(one: TableScan, name: str) -> int:
    return next(place for place, column in enumerate(one.table.columns) if column.name == name)
