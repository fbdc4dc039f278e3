"""Random queries over NULL-heavy tables: grammar and seed decide them, the same on every machine."""

from __future__ import annotations

import random

TABLES = {"t1": ("a", "b", "p", "d"), "t2": ("a", "b", "p", "d"), "t3": ("a", "b", "p", "d")}
_COLUMN_KINDS = {"a": "int", "b": "int", "p": "dec", "d": "date"}
_VALUES = {
    "int": ["0", "1", "2", "3", "-1", "1 + 1", "1.5"],
    "dec": ["0", "1.50", "2.25", "-3.00", "1 + 0.5", "0.005"],
    "date": [
        "DATE '2024-01-01'",
        "DATE '2024-01-31' + INTERVAL 1 DAY",
        "'2024-02-29'",
        "TIMESTAMP '2024-01-01 12:00:00'",
    ],
}

DATA = """
CREATE TABLE {name} AS SELECT
    CASE WHEN hash(i, {seed}, 1) % 4 = 0 THEN NULL
         ELSE (hash(i, {seed}, 2) % 5)::INTEGER - 1 END AS a,
    CASE WHEN hash(i, {seed}, 3) % 3 = 0 THEN NULL ELSE (hash(i, {seed}, 4) % 4)::BIGINT END AS b,
    CASE WHEN hash(i, {seed}, 5) % 3 = 0 THEN NULL
         ELSE (['1.50', '2.25', '-3.00', '0.00'][1 + (hash(i, {seed}, 6) % 4)::INTEGER])::DECIMAL(9,2)
    END AS p,
    CASE WHEN hash(i, {seed}, 7) % 3 = 0 THEN NULL
         ELSE DATE '2024-01-01' + (hash(i, {seed}, 8) % 3)::INTEGER * 30 END AS d
FROM range(9) AS r(i)
"""


class Fuzz:
    """A maker of one query from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.names = 0
        self.ctes: list[str] = []

    def query(self) -> str:
        rng = self.rng
        with_clause = ""
        if rng.random() < 0.35:
            parts = []
            for number in range(rng.randint(1, 2)):
                parts.append(f"q{number} AS ({self.inner(2)})")
                self.ctes.append(f"q{number}")
            with_clause = "WITH " + ", ".join(parts) + " "
        return with_clause + self.outer()

    def outer(self) -> str:
        rng = self.rng
        source, aliases = self.source(2)
        where = self.where(aliases)
        first = rng.choice(aliases)
        if rng.random() < 0.3:
            aggregates = f"count(*) AS n, sum({rng.choice(aliases)}.b) AS s, min({first}.p) AS m"
            return f"SELECT {first}.a AS k, {aggregates} FROM {source}{where} GROUP BY {first}.a"
        count = rng.randint(1, 4)
        columns = [f"{rng.choice(aliases)}.{rng.choice('abpd')} AS o{index}" for index in range(count)]
        return f"SELECT {', '.join(columns)} FROM {source}{where}"

    def inner(self, depth: int) -> str:
        """A SELECT of a, b, p, d."""
        rng = self.rng
        draw = rng.random()
        if depth and draw < 0.2:
            kind = rng.choice(["UNION ALL", "UNION", "EXCEPT", "INTERSECT"])
            return f"({self.inner(0)}) {kind} ({self.inner(0)})"
        source, aliases = self.source(depth - 1 if depth > 0 else 0)
        where = self.where(aliases)
        first = aliases[0]
        if draw < 0.3:
            aggregates = f"max({aliases[-1]}.b) AS b, sum({first}.p) AS p, min({first}.d) AS d"
            return f"SELECT {first}.a AS a, {aggregates} FROM {source}{where} GROUP BY 1"
        if draw < 0.4 and len(aliases) == 1:
            return f"SELECT * FROM {source}{where}"
        if draw < 0.5:
            window = f"PARTITION BY {first}.a, {first}.b ORDER BY {first}.p, {first}.d"
            number = f"row_number() OVER ({window}) AS b"
            return f"SELECT {first}.a AS a, {number}, {first}.p AS p, {first}.d AS d FROM {source}{where}"
        distinct = "DISTINCT " if rng.random() < 0.15 else ""
        columns = ", ".join(f"{rng.choice(aliases)}.{name} AS {name}" for name in "abpd")
        limit = " ORDER BY ALL LIMIT 4" if rng.random() < 0.1 else ""
        return f"SELECT {distinct}{columns} FROM {source}{where}{limit}"

    def source(self, depth: int) -> tuple[str, list[str]]:
        rng = self.rng
        sql, aliases = self.item(depth)
        joined_aliases = [aliases]
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            item, alias = self.item(depth)
            kind = rng.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT JOIN", ","])
            if kind == ",":
                sql = f"{sql} CROSS JOIN {item}"
            else:
                other = rng.choice(joined_aliases)
                conditions = [f"{other}.{c} = {alias}.{c}" for c in rng.sample("ab", 1)]
                count = rng.choice([0, 0, 1, 2])
                conditions += [self.predicate([*joined_aliases, alias]) for _ in range(count)]
                sql = f"{sql} {kind} {item} ON {' AND '.join(conditions)}"
            joined_aliases.append(alias)
        return sql, joined_aliases

    def item(self, depth: int) -> tuple[str, str]:
        rng = self.rng
        self.names += 1
        alias = f"x{self.names}"
        draw = rng.random()
        if depth > 0 and draw < 0.3:
            return f"({self.inner(depth - 1)}) AS {alias}", alias
        if self.ctes and draw < 0.6:
            return f"{rng.choice(self.ctes)} AS {alias}", alias
        return f"{{{rng.choice(list(TABLES))}}} AS {alias}", alias

    def where(self, aliases: list[str]) -> str:
        rng = self.rng
        parts = [self.predicate(aliases) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
        if rng.random() < 0.2:
            self.names += 1
            inner_alias = f"y{self.names}"
            word = rng.choice(["EXISTS", "NOT EXISTS"])
            extra = self.predicate([inner_alias])
            table, condition = rng.choice(list(TABLES)), f"{inner_alias}.b = {aliases[0]}.b"
            parts.append(f"{word} (SELECT * FROM {{{table}}} AS {inner_alias} WHERE {condition} AND {extra})")
        return " WHERE " + " AND ".join(parts) if parts else ""

    def predicate(self, aliases: list[str], depth: int = 2) -> str:
        rng = self.rng
        if depth and rng.random() < 0.3:
            word = rng.choice([" OR ", " AND ", " OR "])
            operands = word.join(self.predicate(aliases, depth - 1) for _ in range(2))
            return f"NOT ({operands})" if rng.random() < 0.2 else f"({operands})"
        column = rng.choice("abpd")
        name = f"{rng.choice(aliases)}.{column}"
        values = _VALUES[_COLUMN_KINDS[column]]
        value, other = rng.sample(values, 2)
        operator, negation = rng.choice(["=", "<>", "<", "<=", ">", ">="]), rng.choice(["", "NOT "])
        forms = {
            f"{name} IS {negation}NULL": 4,
            f"{name} {negation}IN ({value}, {other}{rng.choice(['', ', NULL'])})": 3,
            f"{name} {negation}BETWEEN {value} AND {other}": 2,
            f"coalesce({name}, {values[0]}) {operator} {value}": 2,
            f"{name} {operator} {rng.choice(aliases)}.{column}": 2,
            f"{name} {operator} {value}": 6,
            f"{value} {operator} {name}": 2,
        }
        return rng.choices(list(forms), list(forms.values()))[0]
