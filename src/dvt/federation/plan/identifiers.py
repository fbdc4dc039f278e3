"""Names that differ only in case: the same name for the engine, so that all but one are renamed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlglot import exp

from dvt.federation.plan.output_names import distinguishes_case, normalized
from dvt.federation.plan.state import PlanState, plan_pass


@plan_pass(needs="scans scans.table", gives="original_names scans.columns tree")
def separate_names(state: PlanState) -> None:
    """Normalize every name as its dialect does, and rename those that differ only in case.

    Example:
        >>> sql = 'SELECT x."A" + x.a AS s FROM (SELECT 1 AS "A", 2 AS a FROM {orders}) AS x'
        >>> after(separate_names, sql, dialect="postgres")
        SELECT "x"."a__1" + "x"."a" AS "s" FROM (SELECT 1 AS "a__1", 2 AS "a" FROM {orders}) AS "x"
    """
    renamed = _renamed(state)
    state.original_names = {new: old for old, new in renamed.items()}
    if renamed or distinguishes_case(state.dialect):
        for node in state.tree.find_all(exp.Identifier):
            name = normalized(node, state.dialect)
            node.set("this", renamed.get(name, name))
            node.set("quoted", True)
    for scan in state.scans:
        for column in scan.table.columns:
            name = renamed.get(column.name, column.name.lower())
            scan.columns.setdefault(name, column)


def _defined(state: PlanState) -> set[str]:
    """Return the names that the SQL itself gives, normalized as its dialect does."""
    nodes: list[exp.Expr | None] = []
    for node in state.tree.find_all(exp.Alias, exp.TableAlias):
        nodes += [node.args.get("alias"), *(node.args.get("columns") or [])]
        if isinstance(node, exp.TableAlias):
            nodes.append(node.this)
    return {
        normalized(identifier, state.dialect)
        for identifier in nodes
        if isinstance(identifier, exp.Identifier)
    }


def _renamed(state: PlanState) -> dict[str, str]:
    """Return new names for those that clash: for all but the lower-case name of each group."""
    groups: dict[str, set[str]] = defaultdict(set)
    if distinguishes_case(state.dialect):
        _add_clashes(_defined(state), groups)
    for scan in state.scans:
        _add_clashes((column.name for column in scan.table.columns), groups)
    return {
        name: f"{lower_name}__{number}"
        for lower_name, group in groups.items()
        for number, name in enumerate(sorted(group - {lower_name}), start=1)
    }


def _add_clashes(names: Iterable[str], groups: dict[str, set[str]]) -> None:
    clashing: dict[str, set[str]] = defaultdict(set)
    for name in names:
        clashing[name.lower()].add(name)
    for lower_name, group in clashing.items():
        if len(group) > 1:
            groups[lower_name] |= group
