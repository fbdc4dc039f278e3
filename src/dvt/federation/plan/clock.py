"""The current time: one literal for the whole run, so that every model and source has the same."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlglot import exp

from dvt.federation.plan.dialects import language
from dvt.federation.plan.state import PlanState, plan_pass

_TYPES = {
    "DATE": exp.DataType.Type.DATE,
    "TIME": exp.DataType.Type.TIME,
    "TIMESTAMP": exp.DataType.Type.TIMESTAMPNTZ,
    "SECOND": exp.DataType.Type.TIMESTAMPNTZ,
    "TIMESTAMPTZ": exp.DataType.Type.TIMESTAMPTZ,
}
"""SQLGlot's types by those of `Language.clock_functions`."""


@plan_pass(gives="is_frozen tree")
def freeze_clock(state: PlanState) -> None:
    """Replace now(), current_date and the like by the time at which the run started.

    Example:
        >>> after(freeze_clock, "SELECT id FROM {orders} AS o WHERE changed < current_date")
        SELECT id FROM {orders} AS o WHERE changed < CAST('2026-03-01' AS DATE)
    """
    clock_functions = language(state.dialect).clock_functions
    started_at = state.context.started_at
    for node in list(state.tree.walk()):
        type_ = clock_functions.get(type(node).__name__) or clock_functions.get(_called(node))
        if type_ is not None and _no_arguments(node):
            node.replace(_literal(type_, started_at))
            state.is_frozen = True


def _called(node: exp.Expr) -> str:
    return f"{node.name.lower()}()" if isinstance(node, exp.Anonymous) else ""


def _no_arguments(node: exp.Expr) -> bool:
    return not any(isinstance(child, exp.Column) for child in node.walk())


def _literal(type_: str, started_at: datetime) -> exp.Expr:
    texts = {
        "DATE": f"{started_at:%Y-%m-%d}",
        "TIME": f"{started_at:%H:%M:%S.%f}",
        "TIMESTAMP": f"{started_at:%Y-%m-%d %H:%M:%S.%f}",
        "SECOND": f"{started_at:%Y-%m-%d %H:%M:%S}",
        "TIMESTAMPTZ": f"{started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00:00",
    }
    return exp.Cast(this=exp.Literal.string(texts[type_]), to=exp.DataType.build(_TYPES[type_]))
