"""Outputs of the transform: bound on empty staged tables, named as by the target, in types to be staged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from dvt.core.encoding import encoding
from dvt.core.errors import AnswerUntyped, ColumnNotFound, OutputsClash, SqlInvalid, TranslationWrong
from dvt.core.plan import Binding, TransformTable
from dvt.core.queries import Sql, joined
from dvt.core.requests import Translate
from dvt.core.surrogates import surrogates
from dvt.core.tables import StageColumn
from dvt.core.types import StageType
from dvt.federation.plan.analyse import likely
from dvt.federation.plan.as_written import bound_as_written, unlike
from dvt.federation.plan.contract import contracted
from dvt.federation.plan.dialects import STAGE_TYPES
from dvt.federation.plan.kept_names import refuse_long_names
from dvt.federation.plan.sizes import widest_types
from dvt.federation.plan.source_queries import quoted
from dvt.federation.plan.state import NUMBER, PlanState, Unproven, plan_pass
from dvt.federation.plan.transform import own_text, tables_of
from dvt.federation.plan.values import with_samples

_ANOTHER_WAY = "write the construct in another way, or accept what may differ (`translate: best_effort`)"
"""Rest of the hint for what is not proven."""


@plan_pass(
    needs=(
        "analysed functions is_rewritten names original_names own_sql samples scans scans.alias "
        "scans.columns scans.table tokens transform_tables tree unproven unread"
    ),
    gives="outputs scans.is_skipped scans.needed sql",
)
def bind_transform(state: PlanState) -> None:
    """Bind the transform on empty tables: set its outputs, and note the columns that the engine reads.

    Example:
        >>> state = state_after(bind_transform, "SELECT sum(id) AS s, NULL AS n FROM {orders} AS o")
        >>> state.sql
        ('SELECT sum(id) AS s, NULL AS n FROM ', TablePlace(number=0), ' AS o')
        >>> [scan.needed for scan in state.scans]
        [{'id'}]
        >>> [(column.name, str(column.type)) for column in state.outputs]
        [('s', 'HUGEINT'), ('n', 'INTEGER')]
    """
    inner, binding = state.sql, _bound(state, state.sql, state.transform_tables)
    _refuse_unproven(state, _narrowed(state) if state.dialect != state.context.engine else ())
    _note_reads(state, binding)
    own = bound_as_written(state, state.transform_tables)
    bound = own.columns if own else binding.columns
    _refuse(state, tuple(unlike(state, binding.columns, bound)))
    names = _names(state, bound)
    _refuse_clashes(names)
    refuse_long_names(state.request, state.context, [*names, *_constraints(state)])
    widest = widest_types(state, bound, lambda tables: _rebound(state, inner, tables))
    outputs = [
        replace(_staged(state, name, column.type), widest=wide)
        for name, column, wide in zip(names, bound, widest, strict=True)
    ]
    if state.request.contract:
        outputs = contracted(state, state.request.contract, outputs)
    state.sql = _limited(state, _outer(state, inner, binding.columns, outputs))
    state.outputs = tuple(outputs)


def names_in_engine(state: PlanState) -> list[str]:
    """Return the engine's names of the model's outputs; empty if the model is not in the engine's SQL."""
    if state.dialect != state.context.engine:
        return []
    tables = tables_of(state)
    binding = _bound(state, own_text(state, tables), tuple(tables.values()))
    return [column.name for column in binding.columns]


def _bound(state: PlanState, sql: Sql, tables: Sequence[TransformTable]) -> Binding:
    try:
        sampled = with_samples(sql, state.samples, state.context.engine)
        return state.context.bind(sampled, tables, sorted(state.functions))
    except SqlInvalid as error:
        explained = _explained(state, error)
        if not isinstance(explained, ColumnNotFound):
            _refuse_unproven(state)
        raise explained from error


def _rebound(state: PlanState, sql: Sql, tables: Sequence[TransformTable]) -> Binding:
    return bound_as_written(state, tables) or _bound(state, sql, tables)


def _narrowed(state: PlanState) -> Sequence[str]:
    sampled = with_samples(state.sql, state.samples, state.context.engine)
    return state.context.narrowed(sampled, state.transform_tables, sorted(state.functions))


def _refuse_unproven(state: PlanState, narrowed: Sequence[str] = ()) -> None:
    """Raise TranslationWrong for what is not proven, or warn of it where the model accepts that.

    `narrowed`: conversions that lose digits, as `Engine.narrowed` tells them.
    """
    rounded = tuple(
        Unproven("a value among numbers of another scale", None, f"the compute engine rounds it: {sizes}")
        for sizes in narrowed
    )
    _refuse(state, (*state.unproven, *rounded))


def _refuse(state: PlanState, unproven: Sequence[Unproven]) -> None:
    """Raise TranslationWrong for the first of these, or warn of all where the model accepts them."""
    for part in unproven:
        if state.request.translate is Translate.BEST_EFFORT:
            at = f", line {part.line}" if part.line else ""
            state.warn(
                "DVT003",
                f"{part.construct} ({state.dialect}{at}) may answer differently in {state.context.engine}: "
                f"{part.why}",
                f"compare its results, or {state.context.elsewhere}",
            )
        else:
            more = len(unproven) - 1
            why = f"{part.why}; and {more} more" if more else part.why
            ways_out = f"{state.context.elsewhere}, {_ANOTHER_WAY}"
            raise TranslationWrong(part.construct, state.dialect, why, ways_out, part.line)


def _note_reads(state: PlanState, binding: Binding) -> None:
    reads = {table.alias: read for table, read in zip(state.transform_tables, binding.reads, strict=True)}
    for scan in state.scans:
        read = reads[scan.alias]
        scan.is_skipped = read is None
        columns = {
            column.column.name for column in surrogates(scan.table.columns) if column.name in (read or ())
        }
        scan.needed = {name for name, column in scan.columns.items() if column.name in columns}


_CONSTRAINT = re.compile(r'\bconstraint\s+(?:"([^"]+)"|`([^`]+)`|(\w+))', re.IGNORECASE)
"""Matches the name of a constraint in DDL."""
_UNKNOWN_COLUMN = re.compile(r'(?:column "(?P<named>[^"]+)"|column named "(?P<column_named>[^"]+)")')
_CANDIDATES = re.compile(r"\s*Candidate (?:bindings|functions):.*", re.DOTALL)


def _explained(state: PlanState, error: SqlInvalid) -> ColumnNotFound | SqlInvalid | TranslationWrong:
    """Translate the engine's error into the model's names: no surrogates, no staged tables."""
    problem = error.message.split(": ", 1)[-1]
    unread_at = state.unread.sql_line if state.unread else None
    line = unread_at if state.is_rewritten else error.sql_line or unread_at
    match = _UNKNOWN_COLUMN.search(problem)
    if match is not None and ("not found" in problem or "does not have a column" in problem):
        column = match.group("named") or match.group("column_named")
        names = sorted({column.name for scan in state.scans for column in scan.table.columns})
        column = state.original_names.get(column, column)
        not_found = ColumnNotFound(column, likely(column, names))
        not_found.sql_line = line or _line_of(state, column)
        return not_found
    problem = _CANDIDATES.sub("", problem).strip()
    for new, old in state.original_names.items():
        problem = problem.replace(new, old)
    if state.is_rewritten:
        why = f"the compute engine does not run it: {problem}"
        return TranslationWrong("the SQL", state.dialect, why, state.context.elsewhere)
    if isinstance(error, AnswerUntyped):
        return AnswerUntyped(problem, f"cast or list its columns, or {state.context.elsewhere}")
    if not error.is_known and state.context.dialects.get(state.request.stage.connection) == state.dialect:
        hint = f"correct it; or, if its own database knows the name, {state.context.elsewhere}"
        return SqlInvalid(state.dialect, problem, line, hint, is_known=False)
    return SqlInvalid(state.dialect, problem, line, error.way_out)


def _line_of(state: PlanState, name: str) -> int | None:
    """Return the line on which the model's SQL has a name; None if it has it on several lines, or nowhere."""
    lines = {token.line for token in state.tokens if token.text.casefold() == name.casefold()}
    return lines.pop() if len(lines) == 1 else None


def _names(state: PlanState, bound: tuple[StageColumn, ...]) -> list[str]:
    """Return the target's names if it has a rule for them, else the engine's."""
    engine_names = [state.original_names.get(column.name.lower(), column.name) for column in bound]
    target_names = state.names
    if len(target_names) != len(bound):
        target_names = _expanded(state)
    if len(target_names) != len(bound):
        return engine_names
    return [
        engine if target is None else target
        for target, engine in zip(target_names, engine_names, strict=True)
    ]


def _expanded(state: PlanState) -> list[str | None]:
    """Return the target's names, with None for each column of a *."""
    if state.analysed is None:
        return []
    query: exp.Expr = state.tree
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select) or len(query.expressions) != len(state.names):
        return []
    names = {
        projection.meta.get(NUMBER): name
        for projection, name in zip(query.expressions, state.names, strict=True)
        if name is not None
    }
    # The analysis gives an alias to what has none.
    return [
        names.get(projection.meta.get(NUMBER, projection.unalias().meta.get(NUMBER)))
        for projection in state.analysed.selects
    ]


def _refuse_clashes(names: list[str]) -> None:
    """Raise OutputsClash for two names that differ in nothing, or in nothing but case."""
    by_folded_name: dict[str, str] = {}
    for name in names:
        other = by_folded_name.get(name.casefold())
        if other is not None:
            raise OutputsClash((other, name))
        by_folded_name[name.casefold()] = name


def _constraints(state: PlanState) -> list[str]:
    """Return the names of the contract's constraints."""
    definition = state.request.contract.definition if state.request.contract else ""
    return ["".join(match) for match in _CONSTRAINT.findall(definition)]


def _staged(state: PlanState, name: str, type_: StageType) -> StageColumn:
    """Return an output with the type it is staged as."""
    encoded = encoding(type_)
    if encoded.loses:
        message = f"output column {name} ({type_}): {encoded.loses}"
        state.warn("DVT002", message, "cast it in the model", output=name)
    return StageColumn(name, encoded.stage)


def _limited(state: PlanState, sql: Sql) -> Sql:
    limit = state.request.limit
    return sql if limit is None else joined("SELECT * FROM (", sql, f"\n) AS answer LIMIT {limit}")


def _outer(state: PlanState, inner: Sql, bound: tuple[StageColumn, ...], outputs: list[StageColumn]) -> Sql:
    """Wrap `inner` to give its outputs their names and types; return it as it is if it has them already."""
    if [(column.name, column.type) for column in bound] == [(column.name, column.type) for column in outputs]:
        return inner
    places = [f"c{place}" for place in range(len(bound))]
    columns = []
    for place, output, bound_column in zip(places, outputs, bound, strict=True):
        # Another engine spells types in its own way; it casts its outputs by itself (`Transform.columns`).
        is_cast = bound_column.type != output.type and state.context.engine == STAGE_TYPES
        value = f"CAST({place} AS {output.type})" if is_cast else place
        columns.append(f"{value} AS {quoted(output.name, state.context.engine)}")
    return joined(f"SELECT {', '.join(columns)} FROM (", inner, f") AS answer({', '.join(places)})")
