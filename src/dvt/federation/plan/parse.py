"""From text to a tree, and from names of relations to scans of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import Token, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError

from dvt.core.errors import NotOneQuery, SqlInvalid
from dvt.core.relation_names import NamePlace, name_places
from dvt.core.requests import Input, NodeRequest
from dvt.federation.plan.called import note_call
from dvt.federation.plan.conditions import conjuncts
from dvt.federation.plan.dialects import language
from dvt.federation.plan.inner_names import name_values, with_inner_names
from dvt.federation.plan.markers import (
    is_marker,
    marked,
    marked_columns,
    marked_table,
    marked_tables,
    readable,
)
from dvt.federation.plan.parse_errors import PARSE_ERRORS
from dvt.federation.plan.state import NUMBER, PlanState, TableScan, plan_pass

_PLAIN = {"this", "db", "catalog", "alias", "joins", "laterals"}
"""Parts of a table in FROM that do not keep conditions out of it."""


_RUN = re.compile(r"/\*M?!")
"""Matches the beginning of a comment that MySQL and MariaDB run."""


class Unreadable(Exception):
    """SQLGlot cannot read a model's SQL, which may be right all the same."""

    def __init__(self, problem: SqlInvalid) -> None:
        self.problem = problem
        super().__init__(problem.message)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A model's SQL, parsed once in its dialect; every plan of the model starts from it."""

    request: NodeRequest
    tokens: tuple[Token, ...]
    places: tuple[NamePlace, ...]
    """Where the SQL names relations, by their unique ids."""
    tree: exp.Query
    """Plans copy it and never change it. Of SQL that could not be read: a SELECT of all it names."""
    problem: SqlInvalid | None = None
    """Why the SQL could not be read; None if it could."""

    @property
    def inputs(self) -> Mapping[str, Input]:
        """The relations that the SQL names, by unique id."""
        return {place.key: self.request.inputs[place.key] for place in self.places}


def parse_model(request: NodeRequest) -> Parsed:
    """Parse a model's SQL: its tokens, which any SQL has, and its tree, if SQLGlot knows it."""
    dialect = Dialect.get_or_raise(request.dialect)
    try:
        tokens = dialect.tokenize(request.sql)
    except SqlglotError as error:
        raise SqlInvalid(request.dialect, str(error)) from error
    places = name_places(tokens, {key: read.name for key, read in request.inputs.items()})
    try:
        tree = _tree(request, tokens, places)
        columns = marked_columns(tree)
        if columns:
            places = [place for number, place in enumerate(places) if number not in columns]
            tree = _tree(request, tokens, places)
    except Unreadable as error:
        return Parsed(request, tuple(tokens), tuple(places), _of_all(request, places), error.problem)
    return Parsed(request, tuple(tokens), tuple(places), tree)


@plan_pass(
    needs="places unread",
    gives=("scans scans.input scans.no_pushdown scans.node scans.number scans.place scans.table tree"),
)
def find_scans(state: PlanState) -> None:
    """Find every scan of a source.

    Example:
        >>> sql = "SELECT * FROM {orders} AS o JOIN {customers} AS c ON o.customer = c.id"
        >>> [str(scan.table.ref) for scan in state_after(find_scans, sql).scans]
        ['crm:main.orders', 'erp:main.customers']
    """
    for column in state.tree.find_all(exp.Column):
        if is_marker(column.text("db")):
            column.set("db", None)
    for number, (place, node) in enumerate(list(marked_tables(state.tree))):
        key = state.places[place].key
        state.scans.append(
            TableScan(
                number=number,
                place=place,
                input=state.request.inputs[key],
                table=state.tables[key],
                node=node,
                no_pushdown="the SQL could not be read" if state.unread else _no_pushdown(node),
            )
        )


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
            state.as_written[condition.meta[NUMBER]] = readable(as_written)
            columns = (column.meta[NUMBER] for column in condition.find_all(exp.Column))
            state.named[condition.meta[NUMBER]] = frozenset(columns)


def _tree(request: NodeRequest, tokens: Sequence[Token], places: Sequence[NamePlace]) -> exp.Query:
    """Parse the SQL; relations are named by markers in the tree."""
    _refuse_comments_that_run(request, tokens)
    identifiers = [request.inputs[place.key].name[-1] for place in places]
    parser = Dialect.get_or_raise(request.dialect).parser()
    try:
        named = with_inner_names(request.sql, marked(tokens, places, identifiers), request.dialect)
        statements = parser.parse(named, request.sql)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        problem = str(first.get("description") or error).strip().rstrip(".")
        near = str(first.get("highlight") or "").strip()
        problem = readable(f"{problem} near {near!r}" if near else problem)
        raise Unreadable(SqlInvalid(request.dialect, problem, first.get("line"))) from error
    except PARSE_ERRORS as error:
        raise Unreadable(SqlInvalid(request.dialect, readable(str(error)))) from error
    query = _single_query(request, statements)
    name_values(query, request.dialect)
    for node in query.walk():
        node._meta = _Meta(node._meta or {})  # noqa: SLF001  `meta` has no setter
        note_call(node, request.sql)
    return query


def _refuse_comments_that_run(request: NodeRequest, tokens: Sequence[Token]) -> None:
    """Raise Unreadable for a comment that is SQL to the server, and nothing to SQLGlot."""
    if not language(request.dialect).runs_comments or not _RUN.search(request.sql):
        return
    for token in tokens:
        if any(comment.startswith(("!", "M!")) for comment in token.comments):
            problem = "the server runs what a comment /*! … */ says, which SQLGlot does not read"
            raise Unreadable(SqlInvalid(request.dialect, problem, token.line))


class _Meta(dict[str, Any]):
    """What SQLGlot and the passes note of a node: names and numbers, so that a copy of it may be shallow.

    SQLGlot copies it with each node, and by default deeply, which takes longer than all else.
    """

    def __deepcopy__(self, memo: object) -> _Meta:
        return _Meta(self)


def _of_all(request: NodeRequest, places: Sequence[NamePlace]) -> exp.Query:
    """Return a SELECT that reads every relation, for SQL that could not be read."""
    tree = exp.select("1")
    for number, place in enumerate(places):
        table = marked_table(number, request.inputs[place.key].name[-1])
        tree = tree.join(table, join_type="cross") if number else tree.from_(table)
    return tree


def _single_query(request: NodeRequest, statements: list[exp.Expr | None]) -> exp.Query:
    queries = [
        _as_query(statement)
        for statement in statements
        if statement is not None and not isinstance(statement, exp.Semicolon)
    ]
    if not queries:
        hint = "look at what its Jinja makes; relations that a macro finds by pattern are those of the target"
        raise NotOneQuery(request.dialect, "it is empty", hint)
    if len(queries) == 1 and isinstance(queries[0], exp.Command | exp.Values):
        raise Unreadable(SqlInvalid(request.dialect, f"{queries[0].sql(request.dialect)} is not understood"))
    if len(queries) != 1 or not isinstance(queries[0], exp.Query):
        raise NotOneQuery(request.dialect, "it has other statements", "move them to hooks")
    query: exp.Query = queries[0]
    while isinstance(query, exp.Subquery) and query.is_wrapper:
        query = query.this
    return query


def _as_query(statement: exp.Expr) -> exp.Expr:
    """Wrap a PIVOT or UNPIVOT that stands alone, as some dialects allow."""
    if not isinstance(statement, exp.Pivot):
        return statement
    return exp.Select(expressions=[exp.Star()]).from_(exp.Subquery(this=statement))


def refuse_other_tables(parsed: Parsed, elsewhere: str) -> None:
    """Raise SqlInvalid for a table that is neither a source's nor a CTE; `elsewhere` is the way out."""
    for table in other_tables(parsed.tree, parsed.request.dialect):
        problem = f"{table} is no ref() and no source()"
        hint = f"name it by ref() or source(); or, if its own database knows the name, {elsewhere}"
        raise SqlInvalid(parsed.request.dialect, problem, hint=hint, is_known=False)


def other_tables(tree: exp.Expr, dialect: str) -> Iterator[str]:
    """Yield the tables that a query names, and that are neither a source's nor a CTE."""
    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        named = isinstance(table.this, exp.Identifier) and not is_marker(table.db)
        if named and (table.db or table.name.lower() not in ctes) and not _is_lateral(table):
            yield table.sql(dialect)


def has_bare_offset(query: exp.Expr) -> bool:
    """True for a query with an OFFSET and neither LIMIT nor FETCH."""
    return bool(query.args.get("offset")) and not query.args.get("limit")


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
