"""Scalars over `{{ this }}` alone: queried first, so that other queries can be sent with their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sqlglot import Token, TokenType, exp

from dvt.core.queries import ExtractedColumn, SourceQuery, Sql
from dvt.core.requests import Pushdown
from dvt.core.tables import Column
from dvt.core.types import BIGINT, HUGEINT, MAX_DIGITS, StageType, decimal
from dvt.federation.plan.conditions import column_of, conjuncts
from dvt.federation.plan.safe import exact_text
from dvt.federation.plan.source_queries import relation
from dvt.federation.plan.sql_types import sql_type
from dvt.federation.plan.state import Candidate, PlanState, TableScan, plan_pass
from dvt.federation.plan.values import ANSWER, SAMPLES, placeholder

_CLAUSES = {"expressions", "from_", "where"}
"""Clauses that a scalar subquery may have."""
_NOT_SCALAR = (
    exp.From,
    exp.Join,
    exp.CTE,
    exp.In,
    exp.Exists,
    exp.Lateral,
    exp.SetOperation,
    exp.Any,
    exp.All,
)
"""Expressions around a subquery of which more than one value counts."""


@plan_pass(
    needs="places scans.columns scans.input scans.no_pushdown scans.node scans.place tokens",
    gives="samples scalar_queries scans scans.number spans tree",
)
def query_this_first(state: PlanState) -> None:
    """Replace each scalar subquery over `{{ this }}` alone by a placeholder for its value.

    Example:
        >>> sql = "SELECT id FROM {orders} AS o WHERE changed > (SELECT max(changed) FROM {this})"
        >>> after(query_this_first, sql)
        SELECT id FROM {orders} AS o WHERE changed > (CAST($dvt_this_1 AS TIMESTAMP))
        >>> [query.shown for query in state_after(query_this_first, sql).scalar_queries]
        ['SELECT MAX("changed") AS "dvt_value" FROM "main"."this"']
    """
    if state.request.pushdown is Pushdown.OFF or state.request.changes_this:
        return
    for scan in [scan for scan in state.scans if scan.input.this]:
        subquery = scan.node.find_ancestor(exp.Subquery)
        where = eligible_filters(state, scan, subquery)
        if subquery is None or where is None:
            continue
        holder = exp.Paren(this=subquery.this.expressions[0].unalias().copy())
        for aggregate in list(holder.find_all(exp.AggFunc)):
            aggregate.replace(_parameter(state, scan, aggregate, where))
        state.spans[span(state, scan)] = holder.copy()
        subquery.replace(holder)
        state.scans = [other for other in state.scans if other is not scan]
    for number, scan in enumerate(state.scans):
        scan.number = number


def eligible_filters(state: PlanState, scan: TableScan, subquery: exp.Subquery | None) -> list[Sql] | None:
    """Return the exact filters of a scalar subquery that can be queried first; None if it cannot."""
    select = subquery.this if subquery is not None else None
    if subquery is None or not isinstance(select, exp.Select) or isinstance(subquery.parent, _NOT_SCALAR):
        return None
    from_ = select.args.get("from_")
    alone = from_ is not None and from_.this is scan.node and not scan.no_pushdown
    if (
        not alone
        or {key for key, value in select.args.items() if value} - _CLAUSES
        or len(select.expressions) != 1
    ):
        return None
    if not _only_aggregates(state, scan, select.expressions[0].unalias()):
        return None
    where = select.args.get("where")
    texts = [_filter(state, scan, part) for part in conjuncts(where.this if where is not None else None)]
    return None if None in texts else [text for text in texts if text is not None]


def span(state: PlanState, scan: TableScan) -> tuple[int, int]:
    """Return where the subquery around a scan begins and ends in the model's SQL, brackets included."""
    tokens = [token for token in state.tokens if token.token_type in (TokenType.L_PAREN, TokenType.R_PAREN)]
    before = [token for token in tokens if token.start < state.places[scan.place].start]
    after = [token for token in tokens if token.start > state.places[scan.place].start]
    opening = _unmatched(reversed(before), TokenType.L_PAREN)
    closing = _unmatched(after, TokenType.R_PAREN)
    return opening.start, closing.end + 1


def _unmatched(brackets: Iterable[Token], kind: TokenType) -> Token:
    """Return the first bracket of a kind without a partner before it."""
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket.token_type is not kind else -1
        if depth < 0:
            return bracket
    raise ValueError(f"no unmatched {kind}")


def _filter(state: PlanState, scan: TableScan, part: exp.Expr) -> Sql | None:
    """Return a conjunct of WHERE in the source's dialect; None if it is not exact there."""
    column = column_of(part)
    if column is None or column.name.lower() not in scan.columns or part.find(exp.Div, exp.Placeholder):
        return None
    copy = part.copy()
    for named in copy.find_all(exp.Column):
        named.replace(exp.column(named.name.lower(), quoted=True))
    return exact_text(state, scan, Candidate(copy, ""))


def extreme_of(scan: TableScan, aggregate: exp.Expr) -> Column | None:
    """Return the column to query for a MAX or MIN; None for other aggregates, or if it is not exact."""
    column_and_type = _aggregate_column(scan, aggregate) if isinstance(aggregate, exp.Max | exp.Min) else None
    return column_and_type[0] if column_and_type is not None else None


def _only_aggregates(state: PlanState, scan: TableScan, projection: exp.Expr) -> bool:
    aggregates = list(projection.find_all(exp.AggFunc))
    inside = {id(node) for aggregate in aggregates for node in aggregate.walk()}
    loose = any(
        isinstance(node, exp.Column | exp.Query) and id(node) not in inside for node in projection.walk()
    )
    if loose or not aggregates:
        return False
    columns_and_types = [_aggregate_column(scan, aggregate) for aggregate in aggregates]
    return all(
        column_and_type is not None and _sample(state, column_and_type[1]) is not None
        for column_and_type in columns_and_types
    )


def _sample(state: PlanState, type_: StageType) -> str | None:
    """Return the sample text that is a value of a type; None if none is."""
    values = state.context.evaluate([f"CAST('{text}' AS {type_})" for text in SAMPLES])
    return next((text for text, value in zip(SAMPLES, values, strict=True) if value is not None), None)


def _aggregate_column(scan: TableScan, aggregate: exp.Expr) -> tuple[Column, StageType] | None:
    """Return the column to query and the engine's type of the aggregate; None if it is not exact."""
    derive = _AGGREGATES.get(type(aggregate))
    if derive is None or isinstance(aggregate.parent, exp.Filter | exp.Window | exp.WithinGroup):
        return None
    if isinstance(aggregate.this, exp.Star):
        return derive(None)
    if not isinstance(aggregate.this, exp.Column) or set(aggregate.args) - {"this", "big_int", "expressions"}:
        return None
    column = scan.columns.get(aggregate.this.name.lower())
    return None if column is None or not column.exact or aggregate.expressions else derive(column)


def _extreme(function: str) -> Callable[[Column | None], tuple[Column, StageType] | None]:
    def extreme(column: Column | None) -> tuple[Column, StageType] | None:
        if column is None:
            return None
        return replace(column, read=column.read.format(f"{function}({{0}})")), column.stage

    return extreme


def _count(column: Column | None) -> tuple[Column, StageType]:
    name, read = (column.name, "COUNT({0})") if column is not None else ("", "COUNT(*)")
    return Column(name=name, native="", stage=BIGINT, read=read, unpack="CAST({0} AS BIGINT)"), BIGINT


def _sum(column: Column | None) -> tuple[Column, StageType] | None:
    if column is None or not column.stage.is_number:
        return None
    type_ = decimal(MAX_DIGITS, column.stage.scale or 0)
    read, unpack = f"CAST(SUM({{0}}) AS {type_})", f"CAST({{0}} AS {type_})"
    sum_column = Column(name=column.name, native=column.native, stage=type_, read=read, unpack=unpack)
    return sum_column, HUGEINT if column.stage.is_integer else type_


_AGGREGATES: dict[type[exp.Expr], Callable[[Column | None], tuple[Column, StageType] | None]] = {
    exp.Max: _extreme("MAX"),
    exp.Min: _extreme("MIN"),
    exp.Count: _count,
    exp.Sum: _sum,
}
"""Aggregate → function from the column it aggregates (None for *) to the column to query and the engine's
type."""


def _parameter(state: PlanState, scan: TableScan, aggregate: exp.Expr, where: list[Sql]) -> exp.Expr:
    """Return a placeholder of the aggregate's type, and add the query for its value."""
    column_and_type = _aggregate_column(scan, aggregate)
    if column_and_type is None:
        return aggregate
    column, type_ = column_and_type
    sample = _sample(state, type_) or ""
    name = f"{ANSWER}{len(state.scalar_queries) + 1}"
    state.samples[name] = sample
    state.scalar_queries.append(value_query(state, scan, name, column, where))
    return exp.Cast(this=placeholder(name), to=sql_type(type_))


def value_query(
    state: PlanState, scan: TableScan, name: str, column: Column, where: list[Sql]
) -> SourceQuery:
    """Return the query, named `name`, for the value of an aggregate of `{{ this }}`, which `column` reads."""
    ref = scan.input.table
    dialect = state.context.dialects[ref.connection]
    quoted = exp.to_identifier(column.name, quoted=True).sql(dialect=dialect)
    surrogate = exp.to_identifier("dvt_value", quoted=True).sql(dialect=dialect)
    return SourceQuery(
        alias=name,
        connection=ref.connection,
        tables=(ref,),
        names=(relation(ref, dialect),),
        select=(f"{column.read.format(quoted)} AS {surrogate}",),
        group_by=(),
        where=tuple(where),
        columns=(ExtractedColumn(name="dvt_value", column=column),),
        rows=1,
        this=True,
        bucket=state.request.bucket_of(scan.input),
    )
