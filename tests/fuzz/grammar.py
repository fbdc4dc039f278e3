"""A grammar of SELECTs: dialect and choices decide a query.

Every query has one answer: windows and LIMIT order by unique columns. Of a choice's possibilities the first
is the simplest, so that smaller choices make simpler queries.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.fuzz.expressions import AGGREGATES, SCALARS, TYPES, WINDOWS, Templates
from tests.fuzz.tables import KINDS, LITERALS, TABLES

_SLOT = re.compile(r"\{(\w+)\}")
_WORDS = {
    "small": ("1", "2", "3"),
    "day": ("1", "15", "31"),
    "nonzero": ("2", "3", "7", "(-2)", "10"),
    "cmp": ("=", "<>", "<", "<=", ">", ">="),
    "eq": ("=", "<>"),
}
"""Slot → what may stand in it."""
_DEPTH = 2
"""Levels of nested expressions."""


@dataclass(frozen=True, slots=True)
class FuzzColumn:
    """A column that an expression can name."""

    sql: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Relation:
    """An item of FROM and its columns."""

    sql: str
    columns: tuple[FuzzColumn, ...]
    key: str = ""
    """SQL of a column that is unique in the relation, if there is one."""


@dataclass(frozen=True, slots=True)
class Select:
    """A SELECT and the names and kinds of its outputs."""

    sql: str
    outputs: tuple[tuple[str, str], ...]


class Grammar:
    """A maker of one query; tables stand in it as `{t1}`."""

    def __init__(self, dialect: str, choices: random.Random) -> None:
        self._dialect = dialect
        self._rng = choices
        self._count = 0
        self._ctes: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        self._is_mysql = dialect == "mysql"

    def query(self) -> str:
        """Return one query."""
        parts = []
        for _ in range(self._rng.choice((0, 0, 0, 1, 2))):
            select = self._select(1)
            name = self._name("q")
            parts.append(f"{name} AS ({select.sql})")
            self._ctes.append((name, select.outputs))
        body = self._select(2).sql
        return f"WITH {', '.join(parts)} {body}" if parts else body

    # SELECTs

    def _select(self, depth: int) -> Select:
        shapes: list[Callable[[int], Select]] = [self._plain] * 5 + [self._grouped] * 3 + [self._windowed] * 2
        if depth > 1:
            shapes += [self._set_operation, self._limited, self._whole_star]
            shapes += [] if self._is_mysql else [self._distinct_on, self._grouping_sets]
            shapes += [self._qualified] if self._dialect == "duckdb" else []
        return self._rng.choice(shapes)(depth)

    def _plain(self, depth: int) -> Select:
        relation = self._from(depth)
        outputs = self._outputs(relation, self._rng.randint(1, 4))
        distinct = "DISTINCT " if self._rng.random() < 0.1 else ""
        return self._written(distinct, outputs, f" FROM {relation.sql}{self._where(relation, depth)}")

    def _grouped(self, depth: int) -> Select:
        relation = self._from(depth)
        keys = [self._rng.choice(relation.columns) for _ in range(self._rng.randint(0, 2))]
        outputs = [(f"g{number}", key.kind, key.sql) for number, key in enumerate(keys)]
        outputs += self._drawn(relation, AGGREGATES[self._dialect], self._rng.randint(1, 3))
        tail = f" FROM {relation.sql}{self._where(relation, depth)}"
        if keys:
            by_position = self._rng.random() < 0.3
            names = [str(number + 1) if by_position else key.sql for number, key in enumerate(keys)]
            tail += f" GROUP BY {', '.join(names)}"
            if self._rng.random() < 0.3:
                tail += f" HAVING count(*) {self._rng.choice(('>', '>=', '<>'))} 1"
        return self._written("", outputs, tail)

    def _grouping_sets(self, depth: int) -> Select:
        relation = self._from(depth)
        first, second = self._rng.choice(relation.columns), self._rng.choice(relation.columns)
        outputs = [("g0", first.kind, first.sql), ("g1", second.kind, second.sql)]
        outputs += self._drawn(relation, AGGREGATES[self._dialect], 1)
        word = self._rng.choice(("GROUPING SETS ((a, b), (a), ())", "ROLLUP (a, b)", "CUBE (a, b)"))
        sets = (
            word.replace("a,", f"{first.sql},")
            .replace("(a)", f"({first.sql})")
            .replace("b)", f"{second.sql})")
        )
        return self._written("", outputs, f" FROM {relation.sql}{self._where(relation, 0)} GROUP BY {sets}")

    def _windowed(self, depth: int) -> Select:
        relation = self._with_key()
        outputs = self._outputs(relation, 1) + self._drawn(relation, WINDOWS[self._dialect], 1)
        return self._written("", outputs, f" FROM {relation.sql}{self._where(relation, depth)}")

    def _qualified(self, _depth: int) -> Select:
        relation = self._with_key()
        partition = self._rng.choice(relation.columns).sql
        window = f"row_number() OVER (PARTITION BY {partition} ORDER BY {relation.key})"
        tail = f" FROM {relation.sql}{self._where(relation, 0)} QUALIFY {window} = 1"
        return self._written("", self._outputs(relation, 2), tail)

    def _distinct_on(self, _depth: int) -> Select:
        relation = self._with_key()
        column = self._rng.choice(relation.columns)
        on = f"DISTINCT ON ({column.sql}) "
        tail = f" FROM {relation.sql}{self._where(relation, 0)} ORDER BY {column.sql}, {relation.key} DESC"
        return self._written(on, self._outputs(relation, 2), tail)

    def _limited(self, _depth: int) -> Select:
        relation = self._with_key()
        direction = self._rng.choice(("", " DESC"))
        first = self._expression(self._rng.choice(("int", "dec", "date")), relation.columns, 1)
        nulls = "" if self._is_mysql else self._rng.choice(("", "", " NULLS FIRST", " NULLS LAST"))
        tail = f" ORDER BY {first}{direction}{nulls}, {relation.key} LIMIT {self._rng.randint(0, 4)}"
        tail += self._rng.choice(("", "", " OFFSET 1"))
        return self._written(
            "", self._outputs(relation, 2), f" FROM {relation.sql}{self._where(relation, 0)}{tail}"
        )

    def _whole_star(self, _depth: int) -> Select:
        inner = self._select(1)
        name = self._name("x")
        relation = Relation("", self._named(name, inner.outputs))
        condition = self._where(relation, 0)
        return Select(f"SELECT * FROM ({inner.sql}) AS {name}{condition}", inner.outputs)

    def _set_operation(self, _depth: int) -> Select:
        first, second = self._with_key(), self._with_key()
        kinds = [self._rng.choice(("int", "dec", "text", "date")) for _ in range(2)]
        sides = []
        for relation in (first, second):
            values = [self._expression(kind, relation.columns, 1) for kind in kinds]
            columns = ", ".join(f"{value} AS u{number}" for number, value in enumerate(values))
            sides.append(f"SELECT {columns} FROM {relation.sql}{self._where(relation, 0)}")
        word = self._rng.choice(("UNION ALL", "UNION", "EXCEPT", "INTERSECT"))
        outputs = tuple((f"u{number}", kind) for number, kind in enumerate(kinds))
        return Select(f"{sides[0]} {word} {sides[1]}", outputs)

    def _written(self, distinct: str, outputs: Sequence[tuple[str, str, str]], tail: str) -> Select:
        columns = ", ".join(f"{sql} AS {name}" for name, _, sql in outputs)
        return Select(f"SELECT {distinct}{columns}{tail}", tuple((name, kind) for name, kind, _ in outputs))

    def _outputs(self, relation: Relation, count: int) -> list[tuple[str, str, str]]:
        kinds = [self._rng.choice(list(SCALARS[self._dialect])) for _ in range(count)]
        return [
            (f"o{number}", kind, self._value(kind, relation.columns)) for number, kind in enumerate(kinds)
        ]

    def _value(self, kind: str, columns: Sequence[FuzzColumn]) -> str:
        if self._rng.random() < 0.08 and kind in {"int", "text", "dec"}:
            return self._scalar_subquery(kind, columns)
        return self._expression(kind, columns, _DEPTH)

    def _drawn(self, relation: Relation, table: Templates, count: int) -> list[tuple[str, str, str]]:
        drawn = []
        for number in range(count):
            kind = self._rng.choice(list(table))
            template = self._rng.choice(table[kind])
            sql = self._filled(template, relation.columns, 1, relation.key or relation.columns[0].sql)
            drawn.append((f"a{number}", kind, sql))
        return drawn

    # FROM

    def _from(self, depth: int) -> Relation:
        relation = self._item(depth)
        for _ in range(self._rng.choice((0, 0, 1, 1, 2))):
            relation = self._joined(relation, depth)
        return relation

    def _with_key(self) -> Relation:
        """Return one table, by whose key rows can be ordered."""
        table, alias = self._rng.choice(TABLES[:3]), self._name("x")
        columns = self._named(alias, tuple(table.columns.items()))
        return Relation(f"{{{table.name}}} AS {alias}", self._known(columns), f"{alias}.id")

    def _item(self, depth: int) -> Relation:
        draw, alias = self._rng.random(), self._name("x")
        if draw < 0.25 and depth > 0:
            inner = self._select(depth - 1)
            return Relation(f"({inner.sql}) AS {alias}", self._named(alias, inner.outputs))
        if draw < 0.45 and self._ctes:
            name, outputs = self._rng.choice(self._ctes)
            return Relation(f"{name} AS {alias}", self._named(alias, outputs))
        table = self._rng.choice(TABLES)
        columns = self._named(alias, tuple(table.columns.items()))
        return Relation(f"{{{table.name}}} AS {alias}", self._known(columns))

    def _joined(self, left: Relation, depth: int) -> Relation:
        right = (
            self._lateral(left) if self._rng.random() < 0.1 and not self._is_mysql else self._item(depth - 1)
        )
        columns = (*left.columns, *right.columns)
        if right.sql.startswith("LATERAL"):
            return Relation(f"{left.sql} CROSS JOIN {right.sql}", columns)
        kinds = ["JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "CROSS JOIN"]
        kinds += [] if self._is_mysql else ["FULL JOIN"]
        kind = self._rng.choice(kinds)
        if kind == "CROSS JOIN":
            return Relation(f"{left.sql} {kind} {right.sql}", columns)
        return Relation(
            f"{left.sql} {kind} {right.sql} ON {self._join_condition(left, right, kind)}", columns
        )

    def _join_condition(self, left: Relation, right: Relation, kind: str) -> str:
        pairs = [(a, b) for a in left.columns for b in right.columns if a.kind == b.kind]
        if not pairs:
            return "TRUE" if kind != "FULL JOIN" else "1 = 1"
        one, other = self._rng.choice(pairs)
        condition = f"{one.sql} = {other.sql}"
        if kind != "FULL JOIN" and self._rng.random() < 0.4:
            condition += f" AND {self._expression('bool', (*left.columns, *right.columns), 1)}"
        return condition

    def _lateral(self, left: Relation) -> Relation:
        inner, alias = self._with_key(), self._name("l")
        shared = [(a, b) for a in left.columns for b in inner.columns if a.kind == b.kind]
        one, other = self._rng.choice(shared) if shared else (inner.columns[0], inner.columns[0])
        sql = f"SELECT max({inner.columns[0].sql}) AS m FROM {inner.sql} WHERE {one.sql} = {other.sql}"
        columns = self._named(alias, (("m", inner.columns[0].kind),))
        return Relation(f"LATERAL ({sql}) AS {alias}", columns)

    # conditions

    def _where(self, relation: Relation, depth: int) -> str:
        conditions = [
            self._expression("bool", relation.columns, _DEPTH) for _ in range(self._rng.choice((0, 1, 1, 2)))
        ]
        if depth and self._rng.random() < 0.25:
            conditions.append(self._subquery_condition(relation))
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def _subquery_condition(self, relation: Relation) -> str:
        inner = self._with_key()
        pairs = [(a, b) for a in relation.columns for b in inner.columns if a.kind == b.kind]
        if not pairs:
            return f"EXISTS (SELECT 1 FROM {inner.sql})"
        outer, column = self._rng.choice(pairs)
        negation = self._rng.choice(("", "NOT "))
        extra = self._expression("bool", inner.columns, 1)
        if self._rng.random() < 0.5:
            return (
                f"{negation}EXISTS (SELECT 1 FROM {inner.sql} WHERE {column.sql} = {outer.sql} AND {extra})"
            )
        return f"{outer.sql} {negation}IN (SELECT {column.sql} FROM {inner.sql} WHERE {extra})"

    def _scalar_subquery(self, kind: str, columns: Sequence[FuzzColumn]) -> str:
        inner = self._with_key()
        value = self._expression(kind, inner.columns, 1)
        pairs = [(a, b) for a in columns for b in inner.columns if a.kind == b.kind]
        if not pairs or self._rng.random() < 0.4:
            return f"(SELECT max({value}) FROM {inner.sql})"
        outer, column = self._rng.choice(pairs)
        return f"(SELECT max({value}) FROM {inner.sql} WHERE {column.sql} = {outer.sql})"

    # expressions

    def _expression(self, kind: str, columns: Sequence[FuzzColumn], depth: int) -> str:
        templates = SCALARS[self._dialect].get(kind, [])
        if kind != "bool" and (depth <= 0 or not templates or self._rng.random() < 0.45):
            return self._leaf(kind, columns)
        return self._filled(self._rng.choice(templates), columns, depth - 1, columns[0].sql)

    def _leaf(self, kind: str, columns: Sequence[FuzzColumn]) -> str:
        fitting = [column.sql for column in columns if column.kind == kind]
        if fitting and self._rng.random() < 0.85:
            return self._rng.choice(fitting)
        return self._literal(kind)

    def _literal(self, kind: str) -> str:
        literal = self._rng.choice(LITERALS[kind])
        return f"({literal})" if literal.startswith("-") else literal

    def _filled(self, template: str, columns: Sequence[FuzzColumn], depth: int, key: str) -> str:
        pieces, end = [], 0
        for slot in _SLOT.finditer(template):
            pieces.append(_unescaped(template[end : slot.start()]))
            pieces.append(self._slot(slot.group(1), columns, depth, key))
            end = slot.end()
        return "".join([*pieces, _unescaped(template[end:])])

    def _slot(self, slot: str, columns: Sequence[FuzzColumn], depth: int, key: str) -> str:
        rng = self._rng
        if slot in _WORDS:
            return rng.choice(_WORDS[slot])
        if slot in TYPES[self._dialect]:
            return TYPES[self._dialect][slot]
        if slot.startswith("lit_"):
            return self._literal(slot.removeprefix("lit_"))
        if slot == "key":
            return key
        if slot == "by":
            return rng.choice(("", f"PARTITION BY {rng.choice(columns).sql} "))
        kind = rng.choice(("int", "dec", "text", "date")) if slot == "any" else slot
        text = self._expression(kind, columns, depth)
        return f"({text})" if kind == "bool" else text

    # names

    def _name(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _named(self, alias: str, outputs: Sequence[tuple[str, str]]) -> tuple[FuzzColumn, ...]:
        return tuple(FuzzColumn(f"{alias}.{name}", name, kind) for name, kind in outputs)

    def _known(self, columns: Sequence[FuzzColumn]) -> tuple[FuzzColumn, ...]:
        return tuple(column for column in columns if column.kind in KINDS)


def _unescaped(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")
