"""Questions to sources: clauses in a source's dialect, with a place for each table and each value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dvt.core.names import TableRef
from dvt.core.tables import Column, StageColumn


@dataclass(frozen=True, slots=True)
class TablePlace:
    """Where a table of a query stands in its text; the connector writes the table there."""

    number: int
    """Index into the query's `tables`."""


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """Where a value stands that an earlier answer tells: people read it as `$name`."""

    name: str


Sql = str | tuple[str | TablePlace | ValuePlace, ...]
"""SQL text; where it names tables or values yet to come, the pieces between them and their places.

Pieces and not a format string: braces, percent signs and question marks mean themselves.
"""


@dataclass(frozen=True, slots=True)
class NotPushed:
    """A predicate that stays in the compute engine alone, and why it was not pushed."""

    sql: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedColumn:
    """One output of a source query."""

    name: str
    """Surrogate: lower case, unique, the same in the source's answer and in staging."""
    column: Column
    """Where it comes from; `unpack` and `stage` hold for what arrives."""
    table: int = 0
    """Index of the column's table in the query's `tables`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a query must know of earlier answers before it is sent: one value, or a list of keys."""

    name: str
    """Of its place in the query's conditions."""
    answers: tuple[str, ...]
    """Aliases of the queries that tell it."""
    value: Sql
    """SQL of one value in the engine's dialect, with places for the answers' first values, by alias; the
    keys are all values of the one answer whose place this is."""
    column: Column
    """What it is compared with, which decides how a source takes it as a literal."""
    limit: int | None = None
    """How many keys may be sent: for more, the condition is left out. None for one value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceQuery:
    """One question to one connection, already narrowed, in that connection's dialect.

    Example:
        >>> query = SourceQuery(
        ...     alias="vip",
        ...     connection="crm",
        ...     tables=tuple(TableRef(connection="crm", identifier=name) for name in ("orders", "customers")),
        ...     select=("o.id AS id",),
        ...     source=(TablePlace(0), " AS o JOIN ", TablePlace(1), " AS c ON o.customer = c.id"),
        ...     where=("c.tags = '{vip}'",),
        ...     columns=(),
        ... )
        >>> print(query.sql(["shop.orders", "shop.customers"]))
        SELECT o.id AS id FROM shop.orders AS o JOIN shop.customers AS c ON o.customer = c.id WHERE (c.tags = '{vip}')
    """  # noqa: E501

    alias: str
    """Name of the staged table in the transform."""
    connection: str
    tables: tuple[TableRef, ...]
    select: tuple[str, ...]
    """What is selected, each with its surrogate; in the order of `columns`."""
    source: Sql = (TablePlace(0),)
    """What stands behind FROM."""
    where: tuple[Sql, ...] = ()
    """Pushed predicates; AND joins them."""
    group_by: tuple[str, ...] | None = None
    """Expressions; empty where all rows are one group, None where rows are not grouped."""
    columns: tuple[ExtractedColumn, ...]
    needs: tuple[Need, ...] = ()
    """Values that stand in `where` and that earlier answers tell."""
    scan: bool = False
    """True when it reads one base table alone, row by row, so that a connector may cut it into ranges."""
    names: tuple[str, ...] = ()
    """The tables as the source's dialect spells them, for people; connectors write their own."""
    kept: tuple[NotPushed, ...] = ()
    rows: int | None = None
    """Estimate, None when unknown."""
    bytes: int | None = None
    this: bool = False

    def answered(self, values: Mapping[str, str | None]) -> SourceQuery:
        """The query with values in their places, as literals of its dialect, by need.

        A condition with a value that cannot be sent (None) is left out: the transform has it too.
        """
        sent = [one for one in self.where if all(values[name] is not None for name in places(one))]
        kept = [
            NotPushed(rendered(one, self.names), "its value, known now, cannot be sent")
            for one in self.where
            if one not in sent
        ]
        known = {name: value for name, value in values.items() if value is not None}
        return replace(
            self,
            where=tuple(filled(one, known) for one in sent),
            needs=(),
            kept=(*self.kept, *kept),
        )

    def covers(self, other: SourceQuery) -> bool:
        """True where the answer holds all that `other` asks for, under the same names.

        It has the same tables, options and FROM, at least the columns, and no condition that the other has
        not; where rows are grouped, the same conditions and groups. The transform keeps every predicate, so
        that more rows do no harm.
        """
        same = ("connection", "tables", "source", "group_by", "needs", "this")
        if any(getattr(self, name) != getattr(other, name) for name in same) or self.needs:
            return False
        mine, others = set(self.where), set(other.where)
        if not (mine <= others if self.group_by is None else mine == others):
            return False
        columns = dict(zip(self.select, self.columns, strict=True))
        return all(columns.get(text) == one for text, one in zip(other.select, other.columns, strict=True))

    def sql(self, tables: Sequence[str]) -> str:
        """The query as one text, with `tables` as its FROM items, one for each of its tables."""
        text = f"SELECT {', '.join(self.select)} FROM {rendered(self.source, tables)}"
        if self.where:
            text += f" WHERE {' AND '.join(f'({rendered(one, tables)})' for one in self.where)}"
        return f"{text} GROUP BY {', '.join(self.group_by)}" if self.group_by else text

    @property
    def shown(self) -> str:
        """The query as people read it."""
        return self.sql(self.names)

    @property
    def about(self) -> str:
        """The tables it reads, for messages."""
        return ", ".join(dict.fromkeys(str(table) for table in self.tables))

    @property
    def key(self) -> str:
        """Same question, same key: tables with their options, clauses and types."""
        types = [(c.name, c.table, c.column.stage, c.column.unpack) for c in self.columns]
        clauses = (self.select, self.source, self.where, self.group_by)
        question = repr((self.connection, self.tables, clauses, types))
        return hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()[:24]

    @property
    def staged(self) -> tuple[StageColumn, ...]:
        """The columns of the staged dataset."""
        return tuple(StageColumn(c.name, c.column.stage) for c in self.columns)


def rendered(sql: Sql, tables: Sequence[str] = ()) -> str:
    """A text with `tables` in their places; values yet to come as `$name`."""
    if isinstance(sql, str):
        return sql
    return "".join(_text(part, tables) for part in sql)


def filled(sql: Sql, values: Mapping[str, str]) -> Sql:
    """The same with the texts of values in their places."""
    if isinstance(sql, str):
        return sql
    parts = tuple(values[part.name] if isinstance(part, ValuePlace) else part for part in sql)
    return joined(*parts)


def joined(*parts: Sql | TablePlace | ValuePlace) -> Sql:
    """Pieces one after the other: one text where none of them is a place."""
    flat = [piece for part in parts for piece in (part if isinstance(part, tuple) else (part,))]
    if all(isinstance(piece, str) for piece in flat):
        return "".join(piece for piece in flat if isinstance(piece, str))
    return tuple(flat)


def places(sql: Sql) -> tuple[str, ...]:
    """Names of the values yet to come in a text."""
    return () if isinstance(sql, str) else tuple(part.name for part in sql if isinstance(part, ValuePlace))


def _text(part: str | TablePlace | ValuePlace, tables: Sequence[str]) -> str:
    if isinstance(part, TablePlace):
        return tables[part.number]
    return f"${part.name}" if isinstance(part, ValuePlace) else part
