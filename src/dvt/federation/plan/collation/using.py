"""Rewriting of USING over collated text as ON, with the columns of both sides."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.collation.derivation import Collations
from dvt.federation.plan.state import NUMBER, PlanState


def write_out_using(state: PlanState, collations: Collations) -> None:
    """Turn the USING of joins on collated columns into ON, as the analysed copy has it."""
    joins = {
        join.meta.get(NUMBER): join
        for join in (state.analysed.find_all(exp.Join) if state.analysed is not None else ())
    }
    for join in list(state.tree.find_all(exp.Join)):
        twin = joins.get(join.meta.get(NUMBER))
        condition = twin.args.get("on") if twin is not None else None
        if not join.args.get("using") or condition is None:
            continue
        sides = {
            column.name.lower(): equal
            for equal in condition.find_all(exp.EQ)
            for column in equal.find_all(exp.Column)
        }
        if any(collations.of(column) for column in condition.find_all(exp.Column)):
            _write_out(join, condition.copy(), sides)


def _write_out(join: exp.Join, condition: exp.Expr, sides: dict[str, exp.Expr]) -> None:
    join.set("using", None)
    join.set("on", condition)
    select = join.parent
    if not isinstance(select, exp.Select):
        return
    for column in list(select.find_all(exp.Column)):
        equal = sides.get(column.name.lower())
        if column.table or equal is None or column.parent_select is not select:
            continue
        both = exp.Coalesce(this=equal.this.copy(), expressions=[equal.expression.copy()])
        both.type = column.type
        output = column.parent is select and column.arg_key == "expressions"
        column.replace(exp.alias_(both, column.name, quoted=True) if output else both)
