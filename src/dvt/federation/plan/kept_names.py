"""Names that a target would cut, or take for one name: they are refused before anything moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dvt.core.errors import NamesTooLong, OutputsClash
from dvt.core.names import TableRef
from dvt.core.requests import NodeRequest
from dvt.federation.plan.output_names import distinguishes_case
from dvt.federation.plan.state import PlanContext, PlanState, plan_pass


@plan_pass(needs="names unread", gives="")
def refuse_long_outputs(state: PlanState) -> None:
    """Raise NamesTooLong for outputs of a text, or for a table, whose names the target would cut.

    Example:
        >>> state = copy_state_after(refuse_long_outputs, "SELECT id AS short, max(total) FROM {orders}")
        >>> state.names
        ['short', None]
    """
    names = [] if state.unread else state.names
    refuse_long_names(state.request, state.context, [name for name in names if name is not None])


def refuse_long_names(request: NodeRequest, context: PlanContext, names: Iterable[str]) -> None:
    """Raise NamesTooLong for names that the target would cut, of the model's own table too."""
    own = [read.table.identifier for read in request.inputs.values() if read.this]
    cut = _cut(context, [*names, *own])
    if cut:
        raise NamesTooLong(request.stage.connection, cut)


def refuse_names_of_copy(state: PlanState, table: TableRef, names: Sequence[str]) -> None:
    """Raise NamesTooLong or OutputsClash for columns that a copy on the target cannot have."""
    target = state.request.stage.connection
    cut = _cut(state.context, names)
    if cut:
        raise NamesTooLong(target, cut, str(table))
    if distinguishes_case(state.context.dialects[target]):
        return
    by_folded_name: dict[str, str] = {}
    for name in names:
        other = by_folded_name.setdefault(name.casefold(), name)
        if other is not name:
            raise OutputsClash((other, name), str(table), target)


def _cut(context: PlanContext, names: Iterable[str]) -> dict[str, str]:
    kept = {name: context.kept_name(name) for name in names}
    return {name: short for name, short in kept.items() if name != short}
