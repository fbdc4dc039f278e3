"""Rewrites comparisons, so that the engine compares what a collation makes of the texts."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from dvt.core.errors import ComparingUnsupported
from dvt.core.ports.engines import CollationFunctions
from dvt.federation.plan.collation.comparisons import Kind, Place
from dvt.federation.plan.collation.derivation import CollationOf, Collations, is_text
from dvt.federation.plan.dialects import language
from dvt.federation.plan.state import SETTLED, PlanState

_ESCAPE = "\\"
"""Escape character of rewritten patterns."""
_SHOWN = "shown"
"""Value of the meta key SETTLED for what a group shows of its key."""
_CASED = "dvt_cased"
"""Meta key of an UPPER or LOWER: the engine's function that replaces it."""


class Rewriter:
    """Rewrites the comparisons of one state; all collations are derived before the first rewrite."""

    def __init__(self, state: PlanState, collations: Collations) -> None:
        self.state = state
        self._collations = collations

    def functions(self, place: Place, collation: CollationOf) -> CollationFunctions:
        """Return the engine's functions for a collation; ComparingUnsupported if it has none."""
        if collation.unclear:
            raise self.refusal(place.node, collation, collation.unclear)
        functions = self.state.context.collations.get(collation.name)
        if functions is None:
            raise self.refusal(place.node, collation, f"the compute engine cannot copy {collation.name}")
        return functions

    def refusal(self, node: exp.Expr, collation: CollationOf, why: str) -> ComparingUnsupported:
        """Make the error that names expression, columns and ways out."""
        expression = node.sql(self.state.dialect, comments=False)
        return ComparingUnsupported(expression, collation.columns, why, self.state.context.collations)

    def compare(self, place: Place, collation: CollationOf) -> None:
        """Rewrite a comparison that is not a key of a query."""
        node = place.node
        if place.kind is Kind.OWN:
            raise self.refusal(node, collation, "how it compares text cannot be copied")
        if not all(is_text(operand) for operand in place.operands):
            if len(place.operands) > 2 and not isinstance(node, exp.Between):  # noqa: PLR2004
                raise self.refusal(node, collation, "it compares text and other types at once")
            return
        functions = self.functions(place, collation)
        node.meta[SETTLED] = True
        if isinstance(node, exp.Min | exp.Max):
            self._extreme(node, self.ordering(place, collation))
        elif isinstance(node, exp.Nullif):
            self._nullif(node, functions)
        elif place.kind is Kind.LIKE:
            self._like(place, collation, functions)
        else:
            self._operands(
                place, functions.equal if place.kind is Kind.EQUAL else self.ordering(place, collation)
            )

    def ordering(self, place: Place, collation: CollationOf) -> str:
        """Return the engine's function that gives the order of texts."""
        function = self.functions(place, collation).order
        if function is None:
            raise self.refusal(place.node, collation, f"the order of {collation.name} cannot be copied")
        return function

    def group(self, place: Place, collation: CollationOf) -> None:
        """Group by what the collation compares; each group shows its first spelling, byte by byte."""
        select = place.node.parent
        key = place.key
        if not isinstance(select, exp.Select) or key is None:
            return
        function = self.functions(place, collation).equal
        if not function:
            return
        expression = self._written_out(place.operands[0])
        signature = self._signature(expression)
        compared = self.call(function, self.qualified(expression.copy(), expression))
        for clause in self._after_grouping(select):
            same = [
                candidate
                for candidate in clause.walk(prune=lambda candidate: self._same(candidate, signature))
                if self._same(candidate, signature)
            ]
            for node in same:
                if node.parent_select is not select:
                    raise self.refusal(node, collation, "a subquery reads the key that this groups by")
                self._show_first(node, select)
        key.replace(compared)

    def order(self, place: Place, collation: CollationOf) -> None:
        """Sort by what the collation compares; a key named by alias or position is written out."""
        node = place.node
        if collation.ranked:
            raise self.refusal(node, collation, "its values are sorted by their places in its list")
        function = self.ordering(place, collation)
        node.set("this", self.call(function, self._written_out(place.operands[0]).copy()))

    def mark_cases(self) -> None:
        """Mark UPPER and LOWER of collated text with the functions that `finish` replaces them by."""
        for node in self.state.tree.find_all(exp.Upper, exp.Lower):
            collation = self._collations.of(node)
            functions = (
                self.state.context.collations.get(collation.name)
                if collation is not None and not collation.unclear
                else None
            )
            if functions is not None:
                node.meta[_CASED] = functions.upper if isinstance(node, exp.Upper) else functions.lower

    def finish(self) -> None:
        """Replace the marked UPPER and LOWER, and drop COLLATE: the engine has no such collations."""
        for node in list(self.state.tree.find_all(exp.Upper, exp.Lower)):
            if node.meta.get(_CASED):
                put(node, self.call(node.meta[_CASED], node.this))
        for node in list(self.state.tree.find_all(exp.Collate)):
            node.replace(node.this)

    def call(self, function: str, *arguments: exp.Expr) -> exp.Expr:
        """Call one of the engine's functions; return the argument itself if there is none."""
        if not function:
            return arguments[0]
        self.state.functions.add(function)
        new = exp.Anonymous(this=function, expressions=list(arguments))
        new.meta[SETTLED] = True
        new.type = exp.DataType.build("TEXT")
        return new

    def qualified(self, copy: exp.Expr, original: exp.Expr) -> exp.Expr:
        """Qualify every column of `copy` by its table: an output may have the same name."""
        for copied, twin in zip(list(copy.walk()), list(original.walk()), strict=True):
            alias = self._collations.alias_of(twin) if isinstance(twin, exp.Column) else None
            if alias and isinstance(copied, exp.Column) and not copied.table:
                copied.set("table", exp.to_identifier(alias, quoted=True))
        return copy

    def _written_out(self, key: exp.Expr) -> exp.Expr:
        """Return the expression that a key names by its alias, or the key itself."""
        column = key.unnest()
        if isinstance(column, exp.Column) and not self._collations.alias_of(column):
            return next(iter(self._collations.projections(column)), key)
        return key

    def _wrap(self, node: exp.Expr, function: str) -> None:
        """Call `function` with a node in the place of the node, which is not copied."""
        holder = self.call(function, exp.null())
        node.replace(holder)
        holder.set("expressions", [node])

    def _operands(self, place: Place, function: str) -> None:
        for operand in place.operands:
            inner = operand.this if isinstance(operand, exp.Alias) else operand
            if function and not isinstance(inner, exp.Null):
                self._wrap(inner, function)
        query = place.node.args.get("query") if isinstance(place.node, exp.In) else None
        if query is not None:
            self._only_values(query.unnest())

    def _only_values(self, select: exp.Expr) -> None:
        """Drop DISTINCT from IN (SELECT DISTINCT …): repeated values do not matter there."""
        limited = select.args.get("limit") or select.args.get("offset")
        if select.args.get("distinct") and not limited:
            select.set("distinct", None)

    def _extreme(self, node: exp.Expr, function: str) -> None:
        if not function:
            return
        inner = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
        kind = exp.ArgMin if isinstance(node, exp.Min) else exp.ArgMax
        new = kind(this=inner.copy(), expression=self.call(function, inner.copy()))
        put(node, new)

    def _nullif(self, node: exp.Expr, functions: CollationFunctions) -> None:
        left, right = (
            self.call(functions.equal, side.copy()) if functions.equal else side.copy()
            for side in (node.this, node.expression)
        )
        same = exp.EQ(this=left, expression=right)
        same.meta[SETTLED] = True
        put(node, exp.Case(ifs=[exp.If(this=same, true=exp.null())], default=node.this.copy()))

    def _like(self, place: Place, collation: CollationOf, functions: CollationFunctions) -> None:
        if not functions.like:
            return
        text, pattern = place.operands
        parent = place.node.parent
        declared = parent.expression if isinstance(parent, exp.Escape) else None
        escape = language(self.state.dialect).escape if declared is None else declared.name
        self._wrap(text, functions.like)
        inner = pattern.unnest()
        literal = inner.name if isinstance(inner, exp.Literal) else None
        if literal is not None and _plain(literal, escape):
            pattern.replace(exp.Literal.string(literal.upper()))
            if isinstance(parent, exp.Escape):
                parent.replace(place.node)
            return
        if escape is None or (declared is not None and not isinstance(declared, exp.Literal)):
            raise self.refusal(
                place.node,
                collation,
                "the escape character of its pattern is not known; declare it by ESCAPE",
            )
        pattern.replace(self.call(functions.pattern, pattern.copy(), exp.Literal.string(escape)))
        if isinstance(parent, exp.Escape):
            parent.set("expression", exp.Literal.string(_ESCAPE))
        else:
            holder = exp.Escape(this=None, expression=exp.Literal.string(_ESCAPE))
            place.node.replace(holder)
            holder.set("this", place.node)

    def _after_grouping(self, select: exp.Select) -> Iterator[exp.Expr]:
        """Yield the clauses that are evaluated over groups."""
        yield from list(select.expressions)
        for key in ("having", "qualify", "order"):
            if select.args.get(key) is not None:
                yield select.args[key]
        yield from select.args.get("windows") or []

    def _same(self, node: exp.Expr, signature: str) -> bool:
        """True for a node with this signature that stands for the group's key."""
        return (
            node.meta.get(SETTLED) != _SHOWN and not _aggregated(node) and self._signature(node) == signature
        )

    def _signature(self, node: exp.Expr) -> str:
        """Return a text that is the same for the same expression, however its columns are qualified."""
        copy = node.copy()
        for copied, twin in zip(list(copy.walk()), list(node.walk()), strict=True):
            if isinstance(copied, exp.Column) and isinstance(twin, exp.Column):
                copied.set("table", None)
                copied.set("this", exp.to_identifier(self._collations.identity(twin), quoted=True))
        return str(copy.sql())

    def _show_first(self, node: exp.Expr, select: exp.Select) -> None:
        """Replace a group's key, where it is shown or used, by the first of its spellings."""
        name = node.alias_or_name if isinstance(node, exp.Column) else ""
        shown = exp.Min(this=self.qualified(node.copy(), node))
        for part in shown.walk():
            part.meta[SETTLED] = _SHOWN
        output = node.parent is select and node.arg_key == "expressions"
        new: exp.Expr = (
            exp.alias_(shown, name or self.state.in_engine(node), quoted=True) if output else shown
        )
        put(node, new)


def put(node: exp.Expr, new: exp.Expr) -> None:
    """Replace `node` by `new`, which gets its type."""
    new.meta.setdefault(SETTLED, True)
    new.type = node.type
    node.replace(new)


def _plain(pattern: str, escape: str | None) -> bool:
    special = _ESCAPE if escape is None else escape
    return pattern.isascii() and pattern.isprintable() and not (special and special in pattern)


def _aggregated(node: exp.Expr) -> bool:
    """True inside an aggregate of this SELECT, whose arguments are rows' values and not groups'."""
    above = node.parent
    while above is not None and not isinstance(above, exp.Query):
        holder = above.parent
        if isinstance(above, exp.AggFunc) and not isinstance(
            holder, exp.Window | exp.IgnoreNulls | exp.RespectNulls
        ):
            return True
        above = holder
    return False
