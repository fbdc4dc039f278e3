"""Rewriting of the tree into the transform, which reads staged tables."""

from __future__ import annotations

from sqlglot import exp

from dvt.core.queries import SourceQuery
from dvt.federation.plan.state import PlanState, TableScan, plan_pass

_CARRIED_OVER = ("joins", "sample", "pivots", "laterals")
"""Parts of a table in FROM that the staged table keeps."""


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
    staged = {query.alias: query for query in state.queries}
    for scan in state.scans:
        _read_staged(scan, staged[scan.alias])


def _read_staged(scan: TableScan, query: SourceQuery) -> None:
    alias = scan.node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(scan.node.name, quoted=True))
    table = exp.Table(this=exp.to_identifier(query.alias, quoted=True))
    names = _surrogates_and_names(scan, query)
    if all(surrogate == name for surrogate, name in names):
        new: exp.Expr = table
    else:
        outputs = [
            exp.alias_(exp.column(exp.to_identifier(surrogate, quoted=True)), name, quoted=True)
            for surrogate, name in names
        ]
        new = exp.Subquery(this=exp.Select(expressions=outputs).from_(table))
    new.set("alias", alias.copy())
    for key in _CARRIED_OVER:
        if scan.node.args.get(key):
            new.set(key, scan.node.args[key])
    new.meta.update(scan.node.meta)
    scan.node.replace(new)


def _surrogates_and_names(scan: TableScan, query: SourceQuery) -> list[tuple[str, str]]:
    """Return surrogate and name of every column that this scan needs, in the table's order."""
    surrogates = {column.column.name: column.name for column in query.columns}
    return [
        (surrogates[column.name], column.name if column.name.lower() == name else name)
        for name, column in sorted(scan.columns.items(), key=lambda item: _position(scan, item[1].name))
        if name in scan.needed
    ]


def _position(scan: TableScan, name: str) -> int:
    return next(place for place, column in enumerate(scan.table.columns) if column.name == name)
