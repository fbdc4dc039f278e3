"""Random queries over NULL-heavy tables: what grammar and seed decide, the same on every machine."""

from __future__ import annotations

import random

TABLES = {"t1": ("a", "b", "p", "d"), "t2": ("a", "b", "p", "d"), "t3": ("a", "b", "p", "d")}
_KINDS = {"a": "int", "b": "int", "p": "dec", "d": "date"}
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
    """Makes one query."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = 0
        self.ctes: list[str] = []

    def query(self) -> str:
        r = self.random
        with_ = ""
        if r.random() < 0.35:
            parts = []
            for number in range(r.randint(1, 2)):
                parts.append(f"q{number} AS ({self.inner(2)})")
                self.ctes.append(f"q{number}")
            with_ = "WITH " + ", ".join(parts) + " "
        return with_ + self.outer()

    def outer(self) -> str:
        r = self.random
        source, aliases = self.source(2)
        where = self.where(aliases)
        one = r.choice(aliases)
        if r.random() < 0.3:
            total = f"count(*) AS n, sum({r.choice(aliases)}.b) AS s, min({one}.p) AS m"
            return f"SELECT {one}.a AS k, {total} FROM {source}{where} GROUP BY {one}.a"
        columns = [f"{r.choice(aliases)}.{r.choice('abpd')} AS o{place}" for place in range(r.randint(1, 4))]
        return f"SELECT {', '.join(columns)} FROM {source}{where}"

    def inner(self, depth: int) -> str:
        """A SELECT of a, b, p, d."""
        r = self.random
        pick = r.random()
        if depth and pick < 0.2:
            kind = r.choice(["UNION ALL", "UNION", "EXCEPT", "INTERSECT"])
            return f"({self.inner(0)}) {kind} ({self.inner(0)})"
        source, aliases = self.source(depth - 1 if depth > 0 else 0)
        where = self.where(aliases)
        one = aliases[0]
        if pick < 0.3:
            total = f"max({aliases[-1]}.b) AS b, sum({one}.p) AS p, min({one}.d) AS d"
            return f"SELECT {one}.a AS a, {total} FROM {source}{where} GROUP BY 1"
        if pick < 0.4 and len(aliases) == 1:
            return f"SELECT * FROM {source}{where}"
        if pick < 0.5:
            window = f"PARTITION BY {one}.a, {one}.b ORDER BY {one}.p, {one}.d"
            number = f"row_number() OVER ({window}) AS b"
            return f"SELECT {one}.a AS a, {number}, {one}.p AS p, {one}.d AS d FROM {source}{where}"
        distinct = "DISTINCT " if r.random() < 0.15 else ""
        columns = ", ".join(f"{r.choice(aliases)}.{name} AS {name}" for name in "abpd")
        tail = " ORDER BY ALL LIMIT 4" if r.random() < 0.1 else ""
        return f"SELECT {distinct}{columns} FROM {source}{where}{tail}"

    def source(self, depth: int) -> tuple[str, list[str]]:
        r = self.random
        sql, aliases = self.item(depth)
        known = [aliases]
        for _ in range(r.choice([0, 0, 1, 1, 2])):
            item, alias = self.item(depth)
            kind = r.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT JOIN", ","])
            if kind == ",":
                sql = f"{sql} CROSS JOIN {item}"
            else:
                other = r.choice(known)
                on = [f"{other}.{c} = {alias}.{c}" for c in r.sample("ab", 1)]
                on += [self.predicate([*known, alias]) for _ in range(r.choice([0, 0, 1, 2]))]
                sql = f"{sql} {kind} {item} ON {' AND '.join(on)}"
            known.append(alias)
        return sql, known

    def item(self, depth: int) -> tuple[str, str]:
        r = self.random
        self.names += 1
        alias = f"x{self.names}"
        pick = r.random()
        if depth > 0 and pick < 0.3:
            return f"({self.inner(depth - 1)}) AS {alias}", alias
        if self.ctes and pick < 0.6:
            return f"{r.choice(self.ctes)} AS {alias}", alias
        return f"{{{r.choice(list(TABLES))}}} AS {alias}", alias

    def where(self, aliases: list[str]) -> str:
        r = self.random
        parts = [self.predicate(aliases) for _ in range(r.choice([0, 1, 1, 2, 3]))]
        if r.random() < 0.2:
            self.names += 1
            sub = f"y{self.names}"
            word = r.choice(["EXISTS", "NOT EXISTS"])
            extra = self.predicate([sub])
            table, joined = r.choice(list(TABLES)), f"{sub}.b = {aliases[0]}.b"
            parts.append(f"{word} (SELECT * FROM {{{table}}} AS {sub} WHERE {joined} AND {extra})")
        return " WHERE " + " AND ".join(parts) if parts else ""

    def predicate(self, aliases: list[str], depth: int = 2) -> str:
        r = self.random
        if depth and r.random() < 0.3:
            word = r.choice([" OR ", " AND ", " OR "])
            arms = word.join(self.predicate(aliases, depth - 1) for _ in range(2))
            return f"NOT ({arms})" if r.random() < 0.2 else f"({arms})"
        column = r.choice("abpd")
        name = f"{r.choice(aliases)}.{column}"
        values = _VALUES[_KINDS[column]]
        value, other = r.sample(values, 2)
        sign, maybe = r.choice(["=", "<>", "<", "<=", ">", ">="]), r.choice(["", "NOT "])
        forms = {
            f"{name} IS {maybe}NULL": 4,
            f"{name} {maybe}IN ({value}, {other}{r.choice(['', ', NULL'])})": 3,
            f"{name} {maybe}BETWEEN {value} AND {other}": 2,
            f"coalesce({name}, {values[0]}) {sign} {value}": 2,
            f"{name} {sign} {r.choice(aliases)}.{column}": 2,
            f"{name} {sign} {value}": 6,
            f"{value} {sign} {name}": 2,
        }
        return r.choices(list(forms), list(forms.values()))[0]
