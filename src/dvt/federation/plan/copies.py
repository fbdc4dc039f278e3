"""Copies: what a model that is computed on its target needs there of other databases' tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlglot import TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.optimizer.scope import Scope, build_scope

from dvt.core.errors import PlaceImpossible
from dvt.core.plan import LoadColumn, PlannedCopy
from dvt.core.queries import SourceQuery, Sql, TablePlace, joined
from dvt.core.requests import Input
from dvt.core.surrogates import free_name, sanitised, surrogates
from dvt.core.tables import Column, Table
from dvt.federation.plan.analyse import resolve, scan_of
from dvt.federation.plan.copied_names import aliases_over_copies
from dvt.federation.plan.kept_names import refuse_names_of_copy
from dvt.federation.plan.loads import table_for
from dvt.federation.plan.output_names import distinguishes_case, normalized
from dvt.federation.plan.state import PlanState, TableScan, plan_pass

_MAX_INDEXES = 4
"""Highest number of a copy's indexes beside its key: each costs about a tenth of the load."""

_MISREAD_HINT = (
    "read a view that gives the column as text or numbers, or compute the model where its tables are "
    "(`compute: source`)"
)
"""Hint of the error for a copy that would be misread."""


@plan_pass(needs="analysed scans scans.number scans.columns", gives="scans.compared")
def find_compared(state: PlanState) -> None:
    """Note for each scan the columns that the SQL compares with other columns by equality.

    Example:
        >>> sql = "WITH o AS (SELECT * FROM {orders}) SELECT 1 FROM o JOIN {customers} c ON c.id = o.customer"
        >>> [list(scan.compared) for scan in copy_state_after(find_compared, sql).scans]
        [['id'], ['customer']]
    """
    root = build_scope(state.analysed) if state.analysed is not None else None
    for scope in root.traverse() if root is not None else ():
        for equal in scope.find_all(exp.EQ):
            sides = (equal.left.unnest(), equal.right.unnest())
            if all(side.find(exp.Column) for side in sides):
                for side in sides:
                    _note(state, scope, side)


@plan_pass(needs="scans scans.input", gives="scans scans.alias")
def leave_target(state: PlanState) -> None:
    """Leave out the tables that are on the target already; add those that hooks alone name.

    Example:
        >>> state = copy_state_after(leave_target, "SELECT id, max(t.id) FROM {orders}, {this} AS t")
        >>> [(str(scan.table.ref), scan.alias) for scan in state.scans]
        [('crm:main.orders', 'dvt_orders')]
    """
    target = state.request.stage.connection
    named = {scan.input.unique_id for scan in state.scans}
    scans = [scan for scan in state.scans if scan.input.table.connection != target]
    for unique_id in sorted(state.request.hooked - named):
        number = len(state.scans) + len(scans)
        scans.append(_hooked(state.request.inputs[unique_id], state.tables[unique_id], number))
    taken: set[str] = set()
    aliases: dict[str, str] = {}
    for scan in scans:
        if scan.input.unique_id not in aliases:
            aliases[scan.input.unique_id] = free_name(f"dvt_{sanitised(scan.name)}", taken)
        scan.alias = aliases[scan.input.unique_id]
    state.scans = scans


@plan_pass(
    needs=(
        "names places queries scans scans.alias scans.columns scans.compared scans.input scans.node "
        "scans.place scans.table tokens unread"
    ),
    gives="copies sql",
)
def write_copies(state: PlanState) -> None:
    """Plan a copy of each table that is elsewhere, and the model's text over the copies.

    Example:
        >>> sql = "SELECT orders.id FROM {orders} JOIN {customers} AS c ON orders.customer = c.id"
        >>> state = copy_state_after(write_copies, sql)
        >>> "".join(part if isinstance(part, str) else str(part.number) for part in state.sql)
        'SELECT orders.id FROM 0 AS "orders" JOIN 1 AS c ON orders.customer = c.id'
        >>> [(copy.query.alias, copy.indexes) for copy in state.copies]
        [('dvt_orders', ('customer',)), ('dvt_customers', ('id',))]
    """
    queries = {query.alias: query for query in state.queries}
    scans: dict[str, list[TableScan]] = {}
    for scan in state.scans:
        scans.setdefault(scan.input.unique_id, []).append(scan)
    state.copies = tuple(_copy(state, group, queries[group[0].alias]) for group in scans.values())
    state.sql = _text(state, {unique_id: number for number, unique_id in enumerate(scans)})


def _note(state: PlanState, scope: Scope, side: exp.Expr) -> None:
    origin = _origin(state, scope, side)
    if origin is not None:
        scan, name = origin
        scan.compared.setdefault(name)


def _origin(state: PlanState, scope: Scope, node: exp.Expr) -> tuple[TableScan, str] | None:
    """Return the scan and the column that a column's values come from unchanged; None if there is none."""
    if not isinstance(node, exp.Column) or not node.table:
        return None
    owner = resolve(scope, node.table)
    if owner is None:
        return None
    source = owner[1]
    scan = scan_of(state, source)
    if scan is not None:
        return (scan, node.name) if node.name in scan.columns else None
    if not isinstance(source, Scope) or not isinstance(source.expression, exp.Select):
        return None
    for projection in source.expression.selects:
        if projection.alias_or_name == node.name:
            return _origin(state, source, projection.unalias().unnest())
    return None


def _hooked(read: Input, table: Table, number: int) -> TableScan:
    """Return a scan of a whole table that the SQL does not name."""
    columns = {column.name: column for column in table.columns}
    node = exp.table_(read.name[-1], quoted=True)
    return TableScan(
        number=number, place=-1, input=read, table=table, node=node, columns=columns, needed=set(columns)
    )


def _copy(state: PlanState, group: list[TableScan], query: SourceQuery) -> PlannedCopy:
    table = group[0].table
    names = _names(state, query)
    refuse_names_of_copy(state, table.ref, names)
    source = state.context.dialects[query.connection]
    columns = [extracted.column for extracted in query.columns]
    loads, ddl = table_for(query.columns, names, source, state.request, state.context)
    _refuse_misread(state, table, source, zip(columns, loads, strict=True))
    copied = {column.name: name for column, name in zip(columns, names, strict=True)}
    key = tuple(copied[name] for name in table.key if name in copied)
    compared = dict.fromkeys(scan.columns[name].name for scan in group for name in scan.compared)
    for load in loads:
        if load.loses:
            where = f"{table.ref}, column {load.name} ({load.stage} as {load.native})"
            state.warn("DVT002", f"{where}: {load.loses}")
    return PlannedCopy(
        unique_id=group[0].input.unique_id,
        query=query,
        columns=loads,
        surrogates=tuple(extracted.name for extracted in surrogates(table.columns)),
        definition=ddl,
        key=key if len(key) == len(table.key) else (),
        indexes=tuple(copied[name] for name in compared if name in copied)[:_MAX_INDEXES],
    )


def _refuse_misread(
    state: PlanState, table: Table, source: str, copied: Iterable[tuple[Column, LoadColumn]]
) -> None:
    """Raise PlaceImpossible for a column whose copy the target's functions would misread.

    A database of another kind has never had the column's type: that its copy has another is a warning alone.
    """
    misread = [column for column, load in copied if column.is_misread and load.native != column.native]
    if misread and source == state.context.dialects[state.request.stage.connection]:
        column = misread[0]
        what = f"model {state.request.name!r}"
        why = f"functions would misread the copy of {table.ref}, column {column.name} ({column.native})"
        raise PlaceImpossible(what, "on its target", why, _MISREAD_HINT)


def _names(state: PlanState, query: SourceQuery) -> list[str]:
    """Return the names of a copy's columns: as its database spells them, or as the target's text means them.

    In a database that does not distinguish case, `Id` is what a text calls `id`. So where the target's
    does, a column that the text names without quotes is called as the target understands that.
    """
    names = [extracted.column.name or extracted.name for extracted in query.columns]
    source = state.context.dialects[query.connection]
    if not distinguishes_case(state.dialect) or distinguishes_case(source):
        return names
    exact = {token.text for token in state.tokens if token.token_type is TokenType.IDENTIFIER}
    plain = {token.text.casefold() for token in state.tokens if token.token_type is not TokenType.IDENTIFIER}
    taken = {name.casefold() for name in names}
    if len(taken) < len(names):
        return names
    return [
        normalized(exp.to_identifier(name, quoted=False), state.dialect)
        if name.casefold() in plain and name not in exact
        else name
        for name in names
    ]


def _text(state: PlanState, numbers: Mapping[str, int]) -> Sql:
    """Return the model's text, with a place for each table that is elsewhere."""
    pieces: list[Sql] = []
    end = 0
    changes = [*_changes(state, numbers), *aliases_over_copies(state, numbers)]
    for start, after, change in sorted(changes, key=lambda change: change[:2]):
        pieces += [state.request.sql[end:start], change]
        end = after
    return joined(*pieces, state.request.sql[end:])


def _changes(state: PlanState, numbers: Mapping[str, int]) -> Iterator[tuple[int, int, Sql]]:
    """Yield start, end and replacement of each name of a copied table.

    A copy is read under the table's own name, by which the text may qualify columns.
    """
    nodes = {scan.place: scan.node for scan in state.scans}
    positions = {token.start: number for number, token in enumerate(state.tokens)}
    for number, place in enumerate(state.places):
        if place.key not in numbers:
            continue
        first = last = positions[place.start]
        while state.tokens[last].end + 1 < place.end:
            last += 1
        table: Sql = (TablePlace(numbers[place.key]),)
        name = state.request.sql[state.tokens[last].start : place.end]
        if _qualifies(state, nodes, number, last):
            yield place.start, place.end, name
        elif _has_alias(state, nodes, number, first, last):
            yield place.start, place.end, table
        else:
            yield place.start, _end(state, last), joined(table, f" AS {name}")


def _end(state: PlanState, last: int) -> int:
    """Return the end of a relation's name, whose last token is `last`, and of PostgreSQL's * after it."""
    following = state.tokens[last + 1 : last + 2]
    token = following[0] if following and following[0].token_type is TokenType.STAR else state.tokens[last]
    return token.end + 1


def _qualifies(state: PlanState, nodes: Mapping[int, exp.Table], number: int, last: int) -> bool:
    """True if a name is that of a column's table, and no table to read."""
    if state.unread is None:
        return number not in nodes
    following = state.tokens[last + 1 : last + 2]
    return bool(following) and following[0].token_type is TokenType.DOT


def _has_alias(state: PlanState, nodes: Mapping[int, exp.Table], number: int, first: int, last: int) -> bool:
    if first and state.tokens[first - 1].token_type is TokenType.TABLE:
        return True  # TABLE x takes no alias
    if state.unread is None:
        return bool(nodes[number].alias)
    following = state.tokens[last + 1 : last + 2]
    aliases = Dialect.get_or_raise(state.dialect).parser_class.TABLE_ALIAS_TOKENS
    return bool(following) and following[0].token_type in {TokenType.ALIAS, *aliases}
