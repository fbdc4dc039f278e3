"""The conditions that a table's rows must meet to be of any use: its source may apply them.

The transform keeps every predicate, so a source may answer with too many rows but never with too few.
Conditions that are not understood here are not pushed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from dvt.core.queries import NotPushed
from dvt.federation.plan.analyse import scan_of
from dvt.federation.plan.barriers import join_problem, names_through
from dvt.federation.plan.conditions import column_of, conjuncts, implied, rejects_null, with_columns
from dvt.federation.plan.state import NUMBER, Candidate, PlanState, plan_pass

_WRAPPING = {"this", "alias", "order", "with_"}
"""Parts of a subquery around a SELECT that do not change which of its rows are read."""


@dataclass(slots=True)
class _Uses:
    """The uses of a derived table or CTE: for each, the conditions that its reader sets."""

    conditions: list[list[exp.Expr]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition, and the sources whose rows it restricts."""

    expression: exp.Expr
    targets: frozenset[str]
    """Aliases of the sources whose rows are of no use unless they meet it."""
    nullable: frozenset[str]
    """Those targets that it restricts only if it rejects NULLs."""
    why: str = ""
    """Why the condition does not restrict the other sources."""


@plan_pass(
    needs="analysed as_written named scans scans.input scans.number scans.no_pushdown",
    gives="scans.candidates scans.not_pushed",
)
def place_predicates(state: PlanState) -> None:
    """Collect for each scan the conditions that its rows must meet.

    Example:
        >>> inner = "SELECT id, total AS t FROM {orders} AS o WHERE id + 1 > 2"
        >>> (scan,) = state_after(place_predicates, f"SELECT x.id FROM ({inner}) AS x WHERE t > 5").scans
        >>> [candidate.condition.sql() for candidate in scan.candidates]
        ['"o"."total" > 5']
        >>> [predicate.sql for predicate in scan.not_pushed]
        ['id + 1 > 2']
    """
    if state.analysed is None:
        return
    root = build_scope(state.analysed)
    uses: dict[int, _Uses] = defaultdict(_Uses)
    references = _references(state.analysed)
    for scope in reversed(list(root.traverse())) if root is not None else ():
        inherited = _inherited(scope, uses[id(scope.expression)], references)
        if isinstance(scope.expression, exp.Select):
            _place_in_select(state, scope, inherited, uses)
        elif isinstance(scope.expression, exp.SetOperation):
            _pass_to_branches(scope, inherited, uses)


def _references(tree: exp.Expr) -> dict[str, int]:
    """Count how often each name is read as a table."""
    counts: dict[str, int] = defaultdict(int)
    for table in tree.find_all(exp.Table):
        counts[table.name] += 1
    return counts


def _inherited(scope: Scope, uses: _Uses, references: dict[str, int]) -> list[exp.Expr]:
    """Return the conditions of this scope's readers on its outputs: one reader's, or the OR of all."""
    parent = scope.expression.parent
    while isinstance(parent, exp.Subquery):
        if {key for key, value in parent.args.items() if value} - _WRAPPING:
            return []
        parent = parent.parent
    if isinstance(parent, exp.CTE):
        with_ = parent.parent
        if references[parent.alias] != len(uses.conditions) or (
            isinstance(with_, exp.With) and with_.recursive
        ):
            return []
    if scope.outer_columns or not uses.conditions or not all(uses.conditions):
        return []
    if len(uses.conditions) == 1:
        return uses.conditions[0]
    return [
        exp.or_(
            *(exp.and_(*(condition.copy() for condition in conditions)) for conditions in uses.conditions)
        )
    ]


def _pass_to_branches(scope: Scope, inherited: list[exp.Expr], uses: dict[int, _Uses]) -> None:
    """Pass conditions on a set operation's outputs to its branches; if it is no plain UNION, pass none."""
    operation = scope.expression
    if not isinstance(operation, exp.Query):
        return
    plain = isinstance(operation, exp.Union) and not any(
        operation.args.get(key) for key in ("by_name", "side", "kind", "limit", "offset", "on")
    )
    outputs = operation.named_selects
    for branch in scope.set_operation_scopes:
        names = branch.expression.named_selects if isinstance(branch.expression, exp.Query) else []
        branch_columns: dict[str, exp.Expr] = {}
        if plain and len(names) == len(outputs) == len(set(outputs)):
            branch_columns = {
                output: exp.column(name, quoted=True) for output, name in zip(outputs, names, strict=True)
            }
        passed = (with_columns(condition, branch_columns) for condition in inherited)
        uses[id(branch.expression)].conditions.append(
            [condition for condition in passed if condition is not None]
        )


def _place_in_select(
    state: PlanState, scope: Scope, inherited: list[exp.Expr], uses: dict[int, _Uses]
) -> None:
    """Give each source of a SELECT the conditions that its rows must meet, those of its readers included."""
    select = scope.expression
    if not isinstance(select, exp.Select):
        return
    problem = join_problem(scope)
    conditions = (
        []
        if problem
        else [condition for condition in _conditions(select) if _is_as_written(state, condition.expression)]
    )
    if not problem and inherited:
        through, nullable = names_through(scope), _null_supplied(select)
        moved = [
            condition
            for condition in (with_columns(old, through) for old in inherited)
            if condition is not None
        ]
        conditions += [
            _Condition(condition, frozenset(scope.selected_sources), nullable) for condition in moved
        ]
    for alias, (reference, source) in scope.selected_sources.items():
        parts = [part for condition in conditions for part in _parts(state, condition, alias, source)]
        scan = scan_of(state, source)
        if scan is not None:
            scan.candidates += [Candidate(part, as_written) for part, as_written in parts]
        elif isinstance(source, Scope):
            renamed = bool(reference.alias_column_names)
            uses[id(source.expression)].conditions.append(
                [] if renamed else [_unqualified(part) for part, _ in parts]
            )
    if problem:
        _note_not_pushed(state, scope, problem)


def _is_as_written(state: PlanState, condition: exp.Expr) -> bool:
    """False where SQLGlot has put an output's expression in the place of its name."""
    named = state.named.get(condition.meta.get(NUMBER, -1))
    columns = {column.meta.get(NUMBER) for column in condition.find_all(exp.Column)}
    return named is None or columns <= named


def _conditions(select: exp.Select) -> Iterator[_Condition]:
    """Yield the conjuncts of WHERE and ON, each with the sources it restricts."""
    from_ = select.args.get("from_")
    before: list[str] = [from_.this.alias_or_name] if from_ is not None else []
    nullable: set[str] = set()
    for join in select.args.get("joins") or []:
        alias = join.this.alias_or_name
        side = join.side.upper()
        for condition in conjuncts(join.args.get("on")):
            yield _of_join(condition, side, alias, before, nullable)
        if side in ("RIGHT", "FULL"):
            nullable |= set(before)
        if side in ("LEFT", "FULL"):
            nullable.add(alias)
        before.append(alias)
    where = select.args.get("where")
    for condition in conjuncts(where.this if where is not None else None):
        yield _Condition(condition, frozenset(before), frozenset(nullable))


def _of_join(condition: exp.Expr, side: str, alias: str, before: list[str], nullable: set[str]) -> _Condition:
    """Return a condition of ON: `alias` is joined to the sources `before`, which may be `nullable`."""
    if side == "LEFT":
        return _Condition(
            condition, frozenset({alias}), frozenset(), "an outer join keeps rows that do not meet it"
        )
    if side == "RIGHT":
        why = "an outer join keeps rows that do not meet it"
        return _Condition(condition, frozenset(before), frozenset(nullable), why)
    if side == "FULL":
        return _Condition(condition, frozenset(), frozenset(), "a FULL JOIN keeps rows that do not meet it")
    return _Condition(condition, frozenset({alias, *before}), frozenset(nullable))


def _null_supplied(select: exp.Select) -> frozenset[str]:
    """Return the sources that an outer join of this SELECT may supply NULLs for."""
    # For WHERE, `_conditions` tells them; so the copy has one.
    copy = select.copy()
    copy.set("where", exp.Where(this=exp.true()))
    return next(
        condition.nullable for condition in _conditions(copy) if isinstance(condition.expression, exp.Boolean)
    )


def _parts(
    state: PlanState, condition: _Condition, alias: str, source: object
) -> Iterator[tuple[exp.Expr, str]]:
    """Yield what the condition implies for `alias` alone, and its text; note why if that is nothing."""
    mentioned = {column.table for column in condition.expression.find_all(exp.Column)}
    if alias not in mentioned:
        return
    scan = scan_of(state, source)
    as_written = _text_as_written(state, condition.expression)
    part = implied(condition.expression, alias) if alias in condition.targets else None
    why = ""
    if alias not in condition.targets:
        why = condition.why
    elif part is None:
        why = _why_not(condition.expression, mentioned)
    elif alias in condition.nullable and not rejects_null(part):
        why = "an outer join may supply NULLs for this table after it"
    elif scan is not None and scan.why_whole:
        why = scan.why_whole
    if not why and part is not None:
        yield part, as_written
    elif scan is not None and not _is_join_condition(condition.expression):
        scan.not_pushed.append(NotPushed(as_written, why))


def _is_join_condition(condition: exp.Expr) -> bool:
    return isinstance(condition, exp.EQ) and all(
        isinstance(side, exp.Column) for side in condition.iter_expressions()
    )


def _text_as_written(state: PlanState, condition: exp.Expr) -> str:
    """Return the SQL of a condition as written in the model."""
    return state.as_written.get(condition.meta.get(NUMBER, -1)) or condition.sql(state.dialect)


def _why_not(condition: exp.Expr, mentioned: set[str]) -> str:
    if condition.find(exp.Query) is not None:
        return "it contains a subquery"
    if len(mentioned) > 1:
        return "it compares columns of several tables"
    if column_of(condition) is None and isinstance(condition, exp.Or):
        return "one of the alternatives says nothing that could be pushed"
    return "only =, <>, <, >, BETWEEN, IN and IS NULL between a column and constants are pushed"


def _unqualified(part: exp.Expr) -> exp.Expr:
    """Return a condition over output names: inside a derived table, its alias has no meaning."""
    copy = part.copy()
    for column in copy.find_all(exp.Column):
        column.set("table", None)
    return copy


def _note_not_pushed(state: PlanState, scope: Scope, problem: str) -> None:
    """Note for every scan why none of this SELECT's conditions is pushed."""
    where = scope.expression.args.get("where")
    for condition in conjuncts(where.this if where is not None else None):
        for alias in {column.table for column in condition.find_all(exp.Column)}:
            source = scope.selected_sources.get(alias, (None, None))[1]
            scan = scan_of(state, source)
            if scan is not None:
                scan.not_pushed.append(NotPushed(_text_as_written(state, condition), problem))
