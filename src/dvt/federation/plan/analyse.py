"""A qualified, typed copy of the tree: the table and type of every column.

The copy only tells facts: which conditions restrict which table, the types for the translation, and
the tables that unqualified columns belong to.
"""

from __future__ import annotations

import difflib
import logging
from collections import defaultdict
from collections.abc import Iterator

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from dvt.core.errors import ColumnNotFound
from dvt.federation.plan.data_types import data_type
from dvt.federation.plan.sql_types import sql_type
from dvt.federation.plan.state import NUMBER, PlanState, TableScan, plan_pass

_MAX_NAMES = 40
"""Highest number of names that a message lists in full."""


logging.getLogger("sqlglot").addHandler(logging.NullHandler())  # what it cannot analyse is told as DVT026


@plan_pass(
    needs="scans scans.columns scans.no_pushdown scans.node scans.number",
    gives="analysed tree unclear",
)
def analyse(state: PlanState) -> None:
    """Qualify and annotate a copy with the sources' real types.

    Example:
        >>> state = state_after(analyse, "SELECT total * 2 AS t FROM {orders} AS o WHERE id > 1")
        >>> print(state.analysed.sql())
        SELECT "o"."total" * 2 AS "t" FROM "dvt_source_0" AS "o" WHERE "o"."id" > 1
        >>> print(state.tree.selects[0].type)
        DECIMAL(10, 2)
    """
    state.unclear = _unclear(state)
    schema = MappingSchema(
        {
            scan.key: {name: sql_type(column.stage) for name, column in scan.columns.items()}
            for scan in state.scans
        }
        or {"dvt_none": {"none": "INT"}},
        dialect=state.dialect,
        normalize=False,
    )
    copy = state.tree.copy()
    for identifier in copy.find_all(exp.Identifier):
        identifier.set("this", identifier.name.lower())
        identifier.set("quoted", True)
    _name_sources(state, copy)
    if state.dialect != state.context.engine:
        _type_literals(copy)
    try:
        qualified = qualify(
            copy,
            dialect=state.dialect,
            schema=schema,
            validate_qualify_columns=False,
            quote_identifiers=False,
        )
        state.analysed = annotate_types(qualified, schema=schema, dialect=state.dialect)
        root = build_scope(state.analysed)
    except Exception as error:  # noqa: BLE001  SQLGlot raises many kinds; what it says is not needed
        state.analysed, state.unclear = None, f"the SQL could not be analysed ({type(error).__name__})"
        return
    if root is None:
        state.analysed, state.unclear = None, "the SQL has no scope that could be analysed"
        return
    _refuse_unknown_columns(state, root)
    _copy_results(state, root)


def scan_of(state: PlanState, table: object) -> TableScan | None:
    """Return the scan that a table of the analysed copy stands for; None if it stands for none.

    A plan of copies has left out the scans of the target's own tables.
    """
    if not isinstance(table, exp.Table):
        return None
    return next((scan for scan in state.scans if scan.key == table.name), None)


def resolve(scope: Scope, alias: str) -> tuple[Scope, object] | None:
    """Return the nearest scope, this one or one around it, in which `alias` is a source, and the source."""
    current: Scope | None = scope
    while current is not None:
        if alias in current.selected_sources:
            return current, current.selected_sources[alias][1]
        current = current.parent
    return None


def columns_of(scope: Scope) -> Iterator[tuple[exp.Column, object | None]]:
    """Yield every column named in a scope, with the table or scope it belongs to."""
    for column in scope.columns:
        owner = resolve(scope, column.table) if column.table else None
        yield column, owner[1] if owner else None


def _name_sources(state: PlanState, copy: exp.Expr) -> None:
    """Name each scanned table by its scan's key, so that every scan is a table of its own."""
    by_number = {scan.node.meta[NUMBER]: scan for scan in state.scans}
    for table in list(copy.find_all(exp.Table)):
        scan = by_number.get(table.meta.get(NUMBER, -1))
        if scan is None:
            continue
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
        table.set("this", exp.to_identifier(scan.key, quoted=True))
        table.set("db", None)
        table.set("catalog", None)


def _type_literals(copy: exp.Expr) -> None:
    """Cast literals such as 1.5 to DECIMAL: every database reads them so, SQLGlot as DOUBLE."""
    for literal in list(copy.find_all(exp.Literal)):
        whole, point, fraction = literal.name.partition(".")
        if literal.is_string or not point or not (whole + fraction).isdigit():
            continue
        size = f"DECIMAL({max(len(whole.lstrip('0')) + len(fraction), 1)}, {len(fraction)})"
        cast = exp.Cast(this=literal.copy(), to=data_type(size))
        cast.meta.update(literal.meta)
        cast.this.meta.clear()
        literal.replace(cast)


def _unclear(state: PlanState) -> str:
    """Return why the SQL does not tell which columns are meant where; empty if it does."""
    for node in state.tree.walk():
        if isinstance(node, exp.Columns | exp.Pivot):
            return f"{type(node).__name__.upper()} chooses columns by their names"
        if isinstance(node, exp.Star) and not _plain_star(node):
            return "a * stands where it is not a plain list of columns"
        if isinstance(node, exp.Join) and node.method and node.method.upper() in ("NATURAL", "POSITIONAL"):
            return f"a {node.method.upper()} JOIN matches columns by their names or positions"
        if isinstance(node, exp.Select) and _positional_star(node):
            return "a * is joined by USING or counted by position"
        if isinstance(node, exp.SetOperation) and node.args.get("by_name"):
            return "a set operation BY NAME matches columns by their names"
    return ""


def _plain_star(star: exp.Star) -> bool:
    """True for a * that is a list of columns, or that count(*) counts."""
    node: exp.Expr = star.parent if isinstance(star.parent, exp.Column) else star
    if any(star.args.get(key) for key in ("replace", "rename", "ilike")):
        return False
    if isinstance(node.parent, exp.Count) and node is star:
        return True
    return isinstance(node.parent, exp.Select) and node.arg_key == "expressions"


def _positional_star(select: exp.Select) -> bool:
    if not any(projection.is_star for projection in select.expressions):
        return False
    if any(join.args.get("using") for join in select.args.get("joins") or ()):
        return True
    clauses = [select.args.get(key) for key in ("group", "order")]
    keys = [key for clause in clauses if clause is not None for key in (clause, *clause.expressions)]
    return any(_ordinal(key) for key in keys)


def _ordinal(node: exp.Expr) -> bool:
    """True for a key of GROUP BY or ORDER BY that is a position, or stands for all."""
    inner = node.this if isinstance(node, exp.Ordered) else node
    if isinstance(node, exp.Group) and node.args.get("all"):
        return True
    return isinstance(inner, exp.Literal) and inner.is_int


def _refuse_unknown_columns(state: PlanState, root: Scope) -> None:
    """Refuse columns such as `orders.nope`, where the source `orders` has no such column."""
    for scope in root.traverse():
        for column, source in columns_of(scope):
            scan = scan_of(state, source)
            if (
                scan is None
                or scan.no_pushdown
                or column.name in scan.columns
                or isinstance(column.this, exp.Star)
            ):
                continue
            names = [existing.name for existing in scan.table.columns]
            raise ColumnNotFound(column.name, likely(column.name, names), f" ({scan.table.ref})")


def likely(name: str, columns: list[str]) -> list[str]:
    """Return the columns that may have been meant: all of them, unless there are too many to read."""
    if len(columns) <= _MAX_NAMES:
        return columns
    return difflib.get_close_matches(name, columns, n=5, cutoff=0.3)


def _copy_results(state: PlanState, root: Scope) -> None:
    """Copy types, and the tables that unqualified columns belong to, to the tree itself."""
    types = _types(state)
    owners: dict[int, set[str]] = defaultdict(set)
    for scope in root.traverse():
        for column, source in columns_of(scope):
            if source is not None and NUMBER in column.meta:
                owners[column.meta[NUMBER]].add(column.table)
    aliases = {alias.name.lower() for alias in state.tree.find_all(exp.TableAlias)}
    aliases |= {table.alias_or_name.lower() for table in state.tree.find_all(exp.Table)}
    is_translated = state.dialect != state.context.engine
    for node in list(state.tree.walk()):
        node.type = types.get(node.meta[NUMBER])
        if not is_translated or not isinstance(node, exp.Column) or node.table:
            continue
        tables = owners[node.meta[NUMBER]]
        if len(tables) == 1 and tables <= aliases:  # SQLGlot invents an alias for a subquery without one
            node.set("table", exp.to_identifier(next(iter(tables)), quoted=True))


def _types(state: PlanState) -> dict[int, exp.DataType]:
    """Return the types that the analysis has found, by number of the node."""
    types: dict[int, exp.DataType] = {}
    for node in state.analysed.walk() if state.analysed is not None else ():
        number = node.meta.get(NUMBER)
        if number is not None and node.type is not None:
            types.setdefault(number, node.type)
    return types
