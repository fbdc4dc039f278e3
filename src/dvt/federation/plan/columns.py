"""The columns that a text reads of each table, as far as a reader of texts can be sure of it.

The database that runs the text is not asked, so a column is left out only if nothing in the text can mean
it: its name stands nowhere, and no `*` or whole row of its table reaches the result, a comparison of whole
rows, or a function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import Token, exp

from dvt.federation.plan.state import PlanState, TableScan, plan_pass

_POSITIONAL = ("group", "order")
"""Clauses that may count columns."""


@plan_pass(
    needs="scans scans.columns scans.input scans.node tokens tree unclear unread",
    gives="scans.candidates scans.is_skipped scans.needed",
)
def find_columns(state: PlanState) -> None:
    """Note for each scan the columns that the text may read.

    Example:
        >>> sql = "WITH o AS (SELECT * FROM {orders}) SELECT id, name FROM o JOIN {customers} USING (id)"
        >>> [sorted(scan.needed) for scan in copy_state_after(find_columns, sql).scans]
        [['id', 'name'], ['id']]
    """
    words = _words(state.tokens)
    rows = bool(state.unread or state.unclear) or _reads_rows(state.tree)
    for scan in state.scans:
        hooked = scan.input.unique_id in state.request.hooked
        whole = rows or hooked or _renames(scan) or _escapes(state.tree, scan.node)
        scan.needed = {
            name for name, column in scan.columns.items() if whole or column.name.casefold() in words
        }
        scan.is_skipped = not hooked and not state.unread and _limited_to_nothing(scan.node)
        if hooked:
            scan.candidates = []


def _words(tokens: Sequence[Token]) -> set[str]:
    """Return all words of a text, whatever they mean in it; some tokens have several."""
    words = {token.text.casefold() for token in tokens}
    return words | {word for text in words for word in text.split()}


def _reads_rows(tree: exp.Expr) -> bool:
    """True for a table named where a value is expected, a `*` that lists no columns, or a column's place."""
    names = {alias.name.lower() for alias in tree.find_all(exp.TableAlias)}
    names |= {table.name.lower() for table in tree.find_all(exp.Table)}
    for node in tree.find_all(exp.Column, exp.Star, exp.PositionalColumn):
        if isinstance(node, exp.PositionalColumn):
            return True
        if isinstance(node, exp.Column) and not node.table and node.name.lower() in names:
            return True
        if isinstance(node, exp.Star) and not _is_list(node):
            return True
    return False


def _is_list(star: exp.Star) -> bool:
    """True for the `*` of count(*), and for one that lists a SELECT's columns."""
    node: exp.Expr = star.parent if isinstance(star.parent, exp.Column) else star
    if isinstance(node.parent, exp.Count):
        return node is star
    return isinstance(node.parent, exp.Select) and node.arg_key == "expressions"


def _renames(scan: TableScan) -> bool:
    return bool(scan.node.alias_column_names)


def _escapes(tree: exp.Expr, source: exp.Expr) -> bool:
    """True if a `*` over a table, CTE or subquery hands all columns on to where no name is needed."""
    select = _reader(source)
    if not isinstance(select, exp.Select):
        return True
    if not any(_covers(star, source) for star in select.expressions):
        return False
    if select.args.get("distinct") or any(_counts(select, clause) for clause in _POSITIONAL):
        return True
    return any(_escapes(tree, reader) if reader is not None else True for reader in _readers(tree, select))


def _reader(source: exp.Expr) -> exp.Expr | None:
    """Return the SELECT in whose FROM a table or subquery stands."""
    node = source.parent
    while isinstance(node, exp.From | exp.Join | exp.Paren):
        node = node.parent
    if isinstance(node, exp.Table | exp.Subquery):
        return _reader(node)  # a nested join
    return node


def _covers(projection: exp.Expr, source: exp.Expr) -> bool:
    if isinstance(projection, exp.Star):
        return True
    if not isinstance(projection, exp.Column) or not isinstance(projection.this, exp.Star):
        return False
    return projection.table.lower() == source.alias_or_name.lower()


def _counts(select: exp.Select, clause: str) -> bool:
    """True if a clause names columns by their positions, or all of them."""
    keys = select.args.get(clause)
    if keys is None:
        return False
    inner = [key.this if isinstance(key, exp.Ordered) else key for key in keys.expressions]
    return bool(keys.args.get("all")) or any(
        (isinstance(key, exp.Literal) and key.is_int) or key.name.lower() == "all" for key in inner
    )


def _readers(tree: exp.Expr, query: exp.Expr) -> Iterator[exp.Expr | None]:
    """Yield the tables and subqueries through which a query's rows are read by name; None: otherwise."""
    parent = query.parent
    if isinstance(parent, exp.Exists):
        return
    if isinstance(parent, exp.Subquery) and isinstance(parent.parent, exp.From | exp.Join):
        yield None if parent.alias_column_names else parent
    elif isinstance(parent, exp.CTE):
        yield from _readers_of_cte(tree, parent)
    else:
        yield None


def _readers_of_cte(tree: exp.Expr, cte: exp.CTE) -> Iterator[exp.Expr | None]:
    with_ = cte.parent
    if cte.alias_column_names or (isinstance(with_, exp.With) and with_.recursive):
        yield None
        return
    for table in tree.find_all(exp.Table):
        if not table.db and table.name.lower() == cte.alias.lower():
            yield None if table.alias_column_names else table


def _limited_to_nothing(node: exp.Table) -> bool:
    """True for a table of which `LIMIT 0` leaves no row."""
    select = _reader(node)
    limit = select.args.get("limit") if isinstance(select, exp.Select) else None
    return isinstance(limit, exp.Limit) and limit.expression is not None and limit.expression.name == "0"
