"""Columns that JOIN … USING merges: their type, and their place in a `*`, differ among databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from dvt.federation.plan.proven.classes import ValueType
from dvt.federation.plan.proven.keys import keys
from dvt.federation.plan.proven.shapes import UNKNOWN
from dvt.federation.plan.proven.table import ProofTable
from dvt.federation.plan.state import NUMBER, PlanState, Unproven

TypeOf = Callable[[exp.Expr], ValueType | None]
"""Gives the class of a node of the analysed copy."""


def unproven_joins(state: PlanState, type_of: TypeOf, table: ProofTable) -> Iterator[Unproven]:
    """Yield the joins whose merged columns may have another type or another place in the engine.

    A database gives such a column the type that both sides have in common, the engine that of the left side;
    and it puts merged columns first in a `*`, where the engine leaves them in their place. The comparison is
    proven like one that is written out.
    """
    analysed = state.analysed.find_all(exp.Join) if state.analysed is not None else ()
    by_number = {join.meta.get(NUMBER): join for join in analysed}
    for join in state.tree.find_all(exp.Join):
        names = [name.name.lower() for name in join.args.get("using") or ()]
        select = join.parent
        if (join.method or "").upper() == "NATURAL":
            yield _unproven(join, "NATURAL JOIN", "it merges columns by their names")
        elif names and not _has_like_columns(by_number.get(join.meta.get(NUMBER)), type_of):
            yield _unproven(join, f"USING ({', '.join(names)})", "it merges columns of different types")
        elif names and not _compares_alike(by_number.get(join.meta.get(NUMBER)), type_of, table):
            yield _unproven(
                join, f"USING ({', '.join(names)})", "nobody has proven how it compares these columns"
            )
        elif names and isinstance(select, exp.Select) and not _keeps_order(state, select, names):
            yield _unproven(join, f"* over USING ({', '.join(names)})", "it puts merged columns first")


def _unproven(join: exp.Expr, construct: str, why: str) -> Unproven:
    lines = [part.meta["line"] for part in join.walk() if "line" in part.meta]
    return Unproven(construct, min(lines, default=None), why)


def _has_like_columns(join: exp.Join | None, type_of: TypeOf) -> bool:
    """True if a join compares columns of one type each; in the analysed copy USING has become ON."""
    condition = join.args.get("on") if join is not None else None
    if condition is None:
        return False
    types = [(type_of(equal.left), type_of(equal.right)) for equal in condition.find_all(exp.EQ)]
    return all(left is not None and left == right for left, right in types)


def _compares_alike(join: exp.Join | None, type_of: TypeOf, table: ProofTable) -> bool:
    """True if the engine is proven to find the same columns equal; USING is ON in the analysed copy."""
    condition = join.args.get("on") if join is not None else None

    def class_of(node: exp.Expr) -> str:
        value_type = type_of(node)
        return value_type.name if value_type else UNKNOWN

    equals = condition.find_all(exp.EQ) if condition is not None else ()
    return all(table.result(key) is not None for equal in equals for key in keys(equal, class_of))


def _keeps_order(state: PlanState, select: exp.Select, names: list[str]) -> bool:
    """True if no `*` shows all columns, or if those that a single join merges are the first in any case."""
    if not any(isinstance(projection, exp.Star) for projection in select.expressions):
        return True
    first = select.args["from_"].this
    scan = next((scan for scan in state.scans if scan.node is first), None)
    merging = [join for join in select.args.get("joins") or () if join.args.get("using")]
    return scan is not None and len(merging) == 1 and list(scan.columns)[: len(names)] == names
