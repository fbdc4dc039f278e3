"""Names that differ only in case: one name to the engine, so all but one of them get another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlglot import exp

from dvt.federation.plan.draft import Draft
from dvt.federation.plan.output_names import distinguishes_case, normalized


def separate_names(draft: Draft) -> None:
    """Spell every name as its dialect means it, and tell apart those that only case tells apart."""
    renamed = _renamed(draft)
    draft.spelled = {new: old for old, new in renamed.items()}
    if renamed or distinguishes_case(draft.dialect):
        for node in draft.tree.find_all(exp.Identifier):
            name = normalized(node, draft.dialect)
            node.set("this", renamed.get(name, name))
            node.set("quoted", True)
    for occurrence in draft.occurrences:
        for column in occurrence.table.columns:
            name = renamed.get(column.name, column.name.lower())
            occurrence.columns.setdefault(name, column)


def _defined(draft: Draft) -> set[str]:
    """Names that the SQL itself gives, as its dialect spells them."""
    nodes: list[exp.Expr | None] = []
    for node in draft.tree.find_all(exp.Alias, exp.TableAlias):
        nodes += [node.args.get("alias"), *(node.args.get("columns") or [])]
        if isinstance(node, exp.TableAlias):
            nodes.append(node.this)
    return {normalized(one, draft.dialect) for one in nodes if isinstance(one, exp.Identifier)}


def _renamed(draft: Draft) -> dict[str, str]:
    """New names for those that clash: all but the lower-case one of each group."""
    groups: dict[str, set[str]] = defaultdict(set)
    if distinguishes_case(draft.dialect):
        _add_clashes(_defined(draft), groups)
    for one in draft.occurrences:
        _add_clashes((column.name for column in one.table.columns), groups)
    return {
        name: f"{low}__{number}"
        for low, group in groups.items()
        for number, name in enumerate(sorted(group - {low}), start=1)
    }


def _add_clashes(names: Iterable[str], groups: dict[str, set[str]]) -> None:
    clashing: dict[str, set[str]] = defaultdict(set)
    for name in names:
        clashing[name.lower()].add(name)
    for low, group in clashing.items():
        if len(group) > 1:
            groups[low] |= group
