"""Queries to sources: clauses in a source's dialect, with a place for each table and each value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dvt.core.extraction import FULL, Extraction
from dvt.core.names import TableRef
from dvt.core.tables import Column, StageColumn


@dataclass(frozen=True, slots=True)
class TablePlace:
    """Place of a table in a query's text; the connector puts the table's name there."""

    number: int
    """Index into the query's `tables`."""


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """Place of a value from an earlier answer in a query's text; shown to people as `$name`."""

    name: str


Sql = str | tuple[str | TablePlace | ValuePlace, ...]
"""SQL text, or the pieces of one with places for tables and for values yet to come.

Pieces instead of a format string, so that braces, percent signs and question marks mean themselves.
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
    """The source's column; its `unpack` and `stage` apply to the values that arrive."""
    table: int = 0
    """Index of the column's table in the query's `tables`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A value or a list of keys from earlier answers that a query needs before it is sent."""

    name: str
    """Name of its place in the query's conditions."""
    answers: tuple[str, ...]
    """Aliases of the queries that answer it."""
    value: Sql
    """SQL of one value in the engine's dialect, with places for the answers' first values, by alias. For a
    list of keys: the place of the one answer whose values they are."""
    column: Column
    """The column it is compared with, which decides how it is written as a literal."""
    limit: int | None = None
    """Highest number of keys to send: for more, the condition is left out. None for one value."""
    time_zone: str = "UTC"
    """Time zone in which `value` is evaluated."""
    is_always_sent: bool = False
    """True if the query has no meaning without it; NULL is sent, too."""


@dataclass(frozen=True, slots=True)
class Split:
    """By how many statements the rows of one table are read, each for a range of them."""

    ranges: int | None = 1
    """None: that is found by counting rows, when they are read."""
    by: str = ""
    """What the ranges are of, for people: `pages`."""
    why: str = ""
    """Why it is one statement; empty for several."""

    def __str__(self) -> str:
        """Return a sentence's part: `in 8 ranges of pages`."""
        if self.why:
            return f"by one statement: {self.why}"
        return f"in {'ranges' if self.ranges is None else f'{self.ranges} ranges'} of {self.by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceQuery:
    """A query to one connection, already narrowed, in that connection's dialect.

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
    """Selected expressions, each with its surrogate, in the order of `columns`."""
    source: Sql = (TablePlace(0),)
    """The FROM clause, without the word."""
    where: tuple[Sql, ...] = ()
    """Pushed predicates; AND joins them."""
    group_by: tuple[str, ...] | None = None
    """Expressions; empty where all rows are one group, None where rows are not grouped."""
    limit: int | None = None
    """Highest number of rows, any of those that meet `where`; None: all of them."""
    columns: tuple[ExtractedColumn, ...]
    needs: tuple[Need, ...] = ()
    """Values in `where` that come from earlier answers."""
    scan: bool = False
    """True if it only reads rows of one base table, so that a connector may cut it into ranges."""
    names: tuple[str, ...] = ()
    """The tables as the source's dialect spells them, for people; connectors write their own."""
    not_pushed: tuple[NotPushed, ...] = ()
    rows: int | None = None
    """Estimate, None when unknown."""
    bytes: int | None = None
    this: bool = False
    reading: str = ""
    """How the connector reads the table, for people (`Table.reading`)."""
    settings: tuple[tuple[str, str], ...] = ()
    """Settings of the session in which it runs, by name, on which its answer depends."""
    model: str = ""
    """Name of the model whose whole SQL it is; empty for a query to tables."""
    bucket: str = ""
    """Name of the bucket that its answer is staged in; empty: the run's default."""
    extraction: Extraction = FULL
    """Whether the rows of its table are kept for later runs."""
    keeping: str = ""
    """Whether it is answered by an earlier run's rows, for people; empty unless they are kept."""
    way: str = ""
    """How its answer arrives, for people, where its connection has several ways."""
    split: Split | None = None
    """By how many statements it would be read; None unless its connection was asked."""

    @property
    def is_kept(self) -> bool:
        """True for a query for all rows of a table that is kept for later runs."""
        narrowed = self.where or self.needs or self.model or self.this
        return (
            self.extraction.keeps
            and not narrowed
            and self.group_by is None
            and self.limit is None
            and len(self.tables) == 1
        )

    def answered(self, values: Mapping[str, str | None]) -> SourceQuery:
        """Return the query with `values`, literals by name of the need, in the places of its needs.

        A condition with a value that cannot be sent (None) is left out, since the transform has it, too; in
        the text of a model it is NULL.
        """
        sent = [
            condition
            for condition in self.where
            if all(values[name] is not None for name in places(condition))
        ]
        unsent = [
            NotPushed(rendered(condition, self.names), "its value, once it was known, could not be sent")
            for condition in self.where
            if condition not in sent
        ]
        texts = {name: value for name, value in values.items() if value is not None}
        return replace(
            self,
            source=filled(self.source, {**dict.fromkeys(values, "NULL"), **texts}),
            where=tuple(filled(condition, texts) for condition in sent),
            needs=(),
            not_pushed=(*self.not_pushed, *unsent),
        )

    def covers(self, other: SourceQuery) -> bool:
        """True if this query's answer holds all that `other` asks for, under the same names.

        Both have the same tables, options, FROM and bucket; this one has at least the other's columns, and
        only conditions that the other has, too. Grouped queries need the same conditions and groups. More
        rows do no harm, because the transform keeps every predicate.
        """
        same = ("connection", "tables", "source", "group_by", "needs", "this", "settings", "bucket")
        if any(getattr(self, name) != getattr(other, name) for name in same) or self.needs:
            return False
        own, others = set(self.where), set(other.where)
        if not (own <= others if self.group_by is None and self.limit is None else own == others):
            return False
        if (self.limit is not None or self.model) and self.limit != other.limit:
            return False  # nothing limits a model's answer again
        columns = dict(zip(self.select, self.columns, strict=True))
        return all(
            columns.get(text) == column for text, column in zip(other.select, other.columns, strict=True)
        )

    def sql(self, tables: Sequence[str]) -> str:
        """Return the query as one text, with `tables` as its FROM items, one for each of its tables."""
        text = f"SELECT {', '.join(self.select)} FROM {rendered(self.source, tables)}"
        if self.where:
            text += f" WHERE {' AND '.join(f'({rendered(condition, tables)})' for condition in self.where)}"
        if self.group_by:
            text += f" GROUP BY {', '.join(self.group_by)}"
        return text if self.limit is None else f"{text} LIMIT {self.limit}"

    @property
    def shown(self) -> str:
        """The query as it is shown to people."""
        return self.sql(self.names)

    @property
    def about(self) -> str:
        """The tables it reads, or the model whose SQL it is, for messages."""
        if self.model:
            return f"the answer of {self.model}"
        return ", ".join(dict.fromkeys(str(table) for table in self.tables))

    @property
    def key(self) -> str:
        """A hash of tables with their options, clauses and types: equal queries have equal keys."""
        types = [
            (extracted.name, extracted.table, extracted.column.stage, extracted.column.unpack)
            for extracted in self.columns
        ]
        clauses = (self.select, self.source, self.where, self.group_by, self.limit, self.settings)
        identity = repr((self.connection, self.tables, clauses, types))
        return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:24]

    @property
    def staged(self) -> tuple[StageColumn, ...]:
        """The columns of the staged dataset."""
        return tuple(StageColumn(extracted.name, extracted.column.stage) for extracted in self.columns)


def rendered(sql: Sql, tables: Sequence[str] = ()) -> str:
    """Render SQL with `tables` in their places, and values yet to come as `$name`."""
    if isinstance(sql, str):
        return sql
    return "".join(_text(part, tables) for part in sql)


def filled(sql: Sql, values: Mapping[str, str]) -> Sql:
    """Return the SQL with the texts of `values` in their places."""
    if isinstance(sql, str):
        return sql
    parts = tuple(values.get(part.name, part) if isinstance(part, ValuePlace) else part for part in sql)
    return joined(*parts)


def joined(*parts: Sql | TablePlace | ValuePlace) -> Sql:
    """Join pieces of SQL; the result is one text if none of them is a place."""
    flat = [piece for part in parts for piece in (part if isinstance(part, tuple) else (part,))]
    if all(isinstance(piece, str) for piece in flat):
        return "".join(piece for piece in flat if isinstance(piece, str))
    return tuple(flat)


def places(sql: Sql) -> tuple[str, ...]:
    """Return the names of the value places in a SQL text."""
    return () if isinstance(sql, str) else tuple(part.name for part in sql if isinstance(part, ValuePlace))


def _text(part: str | TablePlace | ValuePlace, tables: Sequence[str]) -> str:
    if isinstance(part, TablePlace):
        return tables[part.number]
    return f"${part.name}" if isinstance(part, ValuePlace) else part
