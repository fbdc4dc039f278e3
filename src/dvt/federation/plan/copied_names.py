"""Names of outputs that a target would make of the names of copies, as `(SELECT max(id) FROM copy)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import Token, exp

from dvt.core.errors import DvtError, PlaceImpossible
from dvt.federation.plan.dialects import language
from dvt.federation.plan.inner_names import inner_names
from dvt.federation.plan.output_names import engine_name, keeps_name, written_projections
from dvt.federation.plan.projections import projections
from dvt.federation.plan.proven.check import shown
from dvt.federation.plan.source_queries import quoted
from dvt.federation.plan.state import PlanState, plan_pass
from dvt.federation.plan.transform import own_text, tables_of
from dvt.federation.plan.values import with_samples


@plan_pass(
    needs=(
        "places samples scans scans.columns scans.input scans.node scans.place scans.table spans tree unread"
    ),
    gives="names",
)
def keep_output_names(state: PlanState) -> None:
    """Note the names of outputs that the names of copies would change; None stands for all others.

    Example:
        >>> sql = "SELECT id, (SELECT max(c.id) FROM {customers} AS c) FROM {orders}"
        >>> copy_state_after(keep_output_names, sql).names
        [None, '(SELECT max(c.id) FROM customers AS c)']
    """
    _refuse_inner_names(state)
    selects = state.tree.selects
    if state.unread is not None or all(keeps_name(projection) for projection in selects):
        state.names = []
        return
    named_by_engine: list[str] | None = None
    for number, (projection, name) in enumerate(zip(selects, state.names, strict=True)):
        if keeps_name(projection) or not any(projection.find_all(exp.Table)):
            state.names[number] = None
        elif name is None and language(state.dialect).output_name is None:
            named_by_engine = _named_by_engine(state) if named_by_engine is None else named_by_engine
            known = named_by_engine[number] if len(named_by_engine) == len(selects) else None
            state.names[number] = known or engine_name(state, projection)


def aliases_over_copies(state: PlanState, copied: Mapping[str, int]) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and text of the alias of each output whose name has to be kept.

    `copied` has the unique ids of the tables that are copied.
    """
    places = [place for place in state.places if place.key in copied]
    for tokens, name in _named(state):
        start, end = tokens[0].start, tokens[-1].end + 1
        if name is not None and any(start <= place.start < end for place in places):
            yield end, end, f" AS {quoted(name, state.dialect)}"


def _named(state: PlanState) -> Iterator[tuple[Sequence[Token], str | None]]:
    """Yield the tokens of outputs and the names to keep, of the outermost SELECT and of inner ones."""
    written = written_projections(state)
    if len(written) == len(state.names):
        yield from zip(written, state.names, strict=True)
    names = inner_names(state.request.sql, state.tokens, state.dialect)
    for select in projections(state.tokens) if names else ():
        for tokens in select.written if select.is_table else ():
            yield tokens, names.get(tokens[-1].start)


def _refuse_inner_names(state: PlanState) -> None:
    """Raise PlaceImpossible where an inner query has an output whose name the name of a copy would be in.

    Where dvt knows how the dialect names outputs, `aliases_over_copies` names it.
    """
    if state.unread is not None or language(state.dialect).output_name is not None:
        return
    target = state.request.stage.connection
    copied = {scan.node for scan in state.scans if scan.input.table.connection != target}
    for projection in (part for select in _read_selects(state.tree) for part in select.selects):
        if not keeps_name(projection) and any(table in copied for table in projection.find_all(exp.Table)):
            what = f"model {state.request.name!r}"
            why = f"the name of {shown(state, projection)}, in an inner query, would have a copy's name in it"
            raise PlaceImpossible(what, "on its target", why, "give that column an alias")


def _read_selects(tree: exp.Expr) -> Iterator[exp.Select]:
    """Yield the SELECTs whose columns another query names."""
    for query in tree.find_all(exp.CTE, exp.Subquery):
        inner = query.this if isinstance(query, exp.CTE) or _is_table(query) else None
        while isinstance(inner, exp.SetOperation | exp.Subquery):
            inner = inner.this  # the first operand names the columns of all
        if isinstance(inner, exp.Select):
            yield inner


def _is_table(query: exp.Expr) -> bool:
    return isinstance(query.parent, exp.From | exp.Join)


def _named_by_engine(state: PlanState) -> list[str]:
    """Return the engine's names of all outputs; none if it does not run the SQL, as its target does."""
    try:
        tables = tables_of(state)
        sql = with_samples(own_text(state, tables), state.samples, state.context.engine)
        columns = state.context.bind(sql, tuple(tables.values()), ()).columns
    except DvtError:
        return []
    return [column.name for column in columns]
