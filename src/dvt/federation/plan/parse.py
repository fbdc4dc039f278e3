"""From text to a tree, and from markers to scans of tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import Token, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError

from dvt.core.errors import SqlInvalid
from dvt.core.names import MARKED, MARKER
from dvt.core.requests import Input, NodeRequest
from dvt.federation.plan.conditions import conjuncts
from dvt.federation.plan.state import NUMBER, PlanState, TableScan, plan_pass

_PLAIN = {"this", "db", "catalog", "alias", "joins", "laterals"}
"""Parts of a table in FROM that do not keep conditions out of it."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A model's SQL, parsed once in its dialect; every plan of the model starts from it."""

    request: NodeRequest
    tree: exp.Query
    """Plans copy it and never change it."""
    tokens: tuple[Token, ...]
    inputs: Mapping[str, Input]
    """The relations that the SQL names, by marker."""


def parse_model(request: NodeRequest) -> Parsed:
    """Parse a model's SQL."""
    dialect = Dialect.get_or_raise(request.dialect)
    try:
        tokens = dialect.tokenize(request.sql)
        statements = dialect.parser().parse(tokens, request.sql)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        problem = str(first.get("description") or error).strip().rstrip(".")
        highlight = str(first.get("highlight") or "").strip()
        problem = f"{problem} near {highlight!r}" if highlight else problem
        raise SqlInvalid(request.dialect, problem, first.get("line")) from error
    except SqlglotError as error:
        raise SqlInvalid(request.dialect, str(error)) from error
    tree = _single_query(request, statements)
    markers = dict.fromkeys(table.db for table in _marked(tree))
    inputs = {marker: _input(request, marker) for marker in markers}
    return Parsed(request, tree, tuple(tokens), inputs)


@plan_pass(
    gives=("scans scans.input scans.marker scans.no_pushdown scans.node scans.number scans.table tree"),
)
def find_scans(state: PlanState) -> None:
    """Find every scan of a source; any other table is an error.

    Example:
        >>> sql = "SELECT * FROM {orders} AS o JOIN {customers} AS c ON o.customer = c.id"
        >>> [str(scan.table.ref) for scan in state_after(find_scans, sql).scans]
        ['crm:main.orders', 'erp:main.customers']
    """
    _only_known_tables(state)
    for column in state.tree.find_all(exp.Column):
        for part in ("db", "catalog"):
            if column.text(part).startswith(MARKER):
                column.set(part, None)
    for number, node in enumerate(_marked(state.tree)):
        marker = node.db
        state.scans.append(
            TableScan(
                number=number,
                marker=marker,
                input=_input(state.request, marker),
                table=state.tables[marker],
                node=node,
                no_pushdown=_no_pushdown(node),
            )
        )


@plan_pass(gives="tree")
def exists_reads_nothing(state: PlanState) -> None:
    """Turn EXISTS(SELECT columns …) into EXISTS(SELECT 1 …): the columns do not matter.

    Example:
        >>> after(exists_reads_nothing, "SELECT 1 AS a WHERE EXISTS(SELECT total FROM {orders} AS o)")
        SELECT 1 AS a WHERE EXISTS(SELECT 1 FROM {orders} AS o)
    """
    for exists in state.tree.find_all(exp.Exists):
        select = exists.this
        if not isinstance(select, exp.Select) or _counts_rows(select):
            continue
        if all(
            isinstance(projection.unalias(), exp.Star | exp.Column | exp.Literal)
            for projection in select.expressions
        ):
            select.set("expressions", [exp.Literal.number(1)])


@plan_pass(gives="as_written named tree")
def number_nodes(state: PlanState) -> None:
    """Number every node, so that results from a copy can be copied to the tree.

    Example:
        >>> state = state_after(number_nodes, "SELECT id FROM {orders} AS o WHERE id > 1 AND total < 2")
        >>> list(state.as_written.values())
        ['id > 1', 'total < 2']
    """
    for number, node in enumerate(state.tree.walk()):
        node.meta[NUMBER] = number
    for clause in state.tree.find_all(exp.Where, exp.Join):
        for condition in conjuncts(clause.this if isinstance(clause, exp.Where) else clause.args.get("on")):
            as_written = condition.sql(state.dialect, comments=False)
            state.as_written[condition.meta[NUMBER]] = MARKED.sub("", as_written)
            columns = (column.meta[NUMBER] for column in condition.find_all(exp.Column))
            state.named[condition.meta[NUMBER]] = frozenset(columns)


def _single_query(request: NodeRequest, statements: list[exp.Expr | None]) -> exp.Query:
    queries = [
        _as_query(statement)
        for statement in statements
        if statement is not None and not isinstance(statement, exp.Semicolon)
    ]
    if len(queries) != 1 or not isinstance(queries[0], exp.Query):
        raise SqlInvalid(request.dialect, "a model is one SELECT", hint="move other statements to hooks")
    query: exp.Query = queries[0]
    while isinstance(query, exp.Subquery) and query.is_wrapper:
        query = query.this
    return query


def _as_query(statement: exp.Expr) -> exp.Expr:
    """Wrap a PIVOT or UNPIVOT that stands alone, as some dialects allow."""
    if not isinstance(statement, exp.Pivot):
        return statement
    return exp.Select(expressions=[exp.Star()]).from_(exp.Subquery(this=statement))


def _marked(tree: exp.Expr) -> Iterator[exp.Table]:
    return (table for table in tree.find_all(exp.Table, bfs=False) if table.db.startswith(MARKER))


def _input(request: NodeRequest, marker: str) -> Input:
    if marker not in request.inputs:
        raise SqlInvalid(
            request.dialect, f"it reads {marker.removeprefix(MARKER)}, on which the model does not depend"
        )
    return request.inputs[marker]


def _only_known_tables(state: PlanState) -> None:
    """Raise SqlInvalid for a table that is neither marked nor a CTE."""
    ctes = {cte.alias.lower() for cte in state.tree.find_all(exp.CTE)}
    for table in state.tree.find_all(exp.Table):
        named = isinstance(table.this, exp.Identifier) and not table.db.startswith(MARKER)
        if named and (table.db or table.name.lower() not in ctes) and not _is_lateral(table):
            problem = f"it reads {table.sql(state.dialect)}, which is no ref() and no source()"
            raise SqlInvalid(
                state.dialect, problem, hint="a federated model reads other tables by ref() and source()"
            )


def _is_lateral(table: exp.Table) -> bool:
    return isinstance(table.parent, exp.Lateral | exp.Unnest)


def _no_pushdown(node: exp.Table) -> str:
    """Return why no condition may pass into a scan; empty if it may."""
    extra = {key for key, value in node.args.items() if value} - _PLAIN
    if extra:
        return f"{', '.join(sorted(key.rstrip('_') for key in extra)).upper()} is applied to it first"
    if node.args.get("joins"):
        return "its joins are nested"
    if node.alias_column_names:
        return "its columns are renamed by position"
    return ""


def _counts_rows(select: exp.Select) -> bool:
    """True if what a SELECT selects may decide whether it has rows."""
    keys = ("group", "having", "distinct", "qualify", "limit", "offset", "windows", "kind")
    return any(select.args.get(key) for key in keys)
