"""The pass that gives every node of a model in another dialect the class of its values."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import build_scope

from dvt.core.requests import TextComparison
from dvt.federation.plan.analyse import scan_of
from dvt.federation.plan.dialects import engine_dialect
from dvt.federation.plan.proven.check import line_of, unproven_in, without_added_tables
from dvt.federation.plan.proven.classes import ValueType, dialect_classes
from dvt.federation.plan.proven.merged import unproven_joins
from dvt.federation.plan.proven.value_types import ColumnClass, ValueTypes
from dvt.federation.plan.state import NUMBER, PlanState, Unproven, plan_pass

_NAMING = ("distinct", "order", "group", "having")
"""Clauses that may name outputs."""


@plan_pass(
    needs="analysed scans scans.number scans.columns scans.table tokens", gives="tree unproven value_types"
)
def classify(state: PlanState) -> None:
    """Note the class of every node's values, set SQLGlot's types by it, and list what is not proven.

    Only for a dialect whose translation is proven: elsewhere SQLGlot's own types are all there is.

    Example:
        >>> sql = "SELECT abs(total) + 1 AS more FROM {orders} AS o"
        >>> state = state_after(classify, sql, dialect="postgres")
        >>> {value_type.name for value_type in state.value_types.values()} >= {"decimal", "integer"}
        True
    """
    table = state.context.proofs(state.context.engine, state.dialect)
    if state.dialect == state.context.engine or table is None:
        return
    root = build_scope(state.analysed) if state.analysed is not None else None
    if state.analysed is None or root is None:
        state.unproven = (Unproven("the SQL", None, "SQLGlot cannot tell its columns and types"),)
        return

    types = ValueTypes(table.result, state.dialect, _column_class(state), root)
    for node in state.analysed.walk():
        number = node.meta.get(NUMBER)
        value_type = types.of(node) if number is not None and number not in state.value_types else None
        if number is not None and value_type is not None:
            state.value_types[number] = value_type
    _name_aliases(state)
    for node in state.tree.walk():
        value_type = state.value_types.get(node.meta.get(NUMBER, -1))
        if value_type is not None:
            node.type = value_type.sql_type()
    state.unproven = (*unproven_in(state), *unproven_joins(state, types.of, table), *_unheld(state, types))


def _unheld(state: PlanState, types: ValueTypes) -> Iterator[Unproven]:
    """Yield the columns of types that the engine does not have as they are."""
    held = engine_dialect(state.context.engine).held
    columns = state.analysed.find_all(exp.Column) if held is not None and state.analysed is not None else ()
    for column in columns:
        scan = scan_of(state, types.source(column))
        staged = scan.columns.get(column.name) if scan else None
        if staged is not None and held is not None and staged.stage.kind not in held:
            why = f"{state.context.engine} has no values of the type {staged.stage} as they are"
            yield Unproven(staged.name, line_of(column), why)


def _column_class(state: PlanState) -> ColumnClass:
    """Return a function that gives the class of a column's values."""
    classes = dialect_classes(state.dialect)
    collated = state.request.comparing is TextComparison.SOURCE

    def column_class(column: exp.Column, source: object) -> ValueType | None:
        scan = scan_of(state, source)
        staged = scan.columns.get(column.name) if scan else None
        if scan is None or staged is None:
            return None
        foreign = state.context.dialects.get(scan.table.ref.connection) != state.dialect
        return classes.of_column(staged, collated=collated, foreign=foreign)

    return column_class


def _name_aliases(state: PlanState) -> None:
    """Give what names an output, as in ORDER BY or DISTINCT ON, the class of this output.

    It is named by its alias, or by its expression, which SQLGlot replaces by the alias in its copy.
    """
    for select in state.tree.find_all(exp.Select):
        outputs = {_text(projection.unalias()): projection for projection in select.selects}
        columns = [output for output in select.selects if isinstance(output.unalias(), exp.Column)]
        outputs |= {output.unalias().name.lower(): output for output in columns}
        outputs |= {projection.alias_or_name.lower(): projection for projection in select.selects}
        for clause in map(select.args.get, _NAMING):
            for node in clause.walk() if clause is not None else ():
                is_known = node.meta.get(NUMBER, -1) in state.value_types
                output = None if is_known else outputs.get(_text(node))
                if output is not None:
                    _copy_classes(state, output.unalias(), node)


def _copy_classes(state: PlanState, output: exp.Expr, node: exp.Expr) -> None:
    """Give a node the class of an output, and its parts those of the output's parts if it is written out."""
    is_written_out = type(node) is type(output) and _text(node) == _text(output)
    parts = zip(output.walk(), node.walk(), strict=False) if is_written_out else [(output, node)]
    for known, part in parts:
        value_type = state.value_types.get(known.meta.get(NUMBER, -1))
        if value_type is not None and NUMBER in part.meta:
            state.value_types.setdefault(part.meta[NUMBER], value_type)


def _text(node: exp.Expr) -> str:
    """Return an expression without quotes and case, and without the tables that the analysis has added."""
    return without_added_tables(node).sql(comments=False, copy=False).replace('"', "").lower()
