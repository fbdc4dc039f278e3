"""Random values, predicates and expressions over columns of known kinds."""

from __future__ import annotations

import random

TYPES = {
    "int": "BIGINT",
    "dec": "DECIMAL(18,3)",
    "text": "VARCHAR",
    "date": "DATE",
    "ts": "TIMESTAMP",
    "bool": "BOOLEAN",
    "dbl": "DOUBLE",
}
"""Kind of a column → the type that models cast it to."""
SOURCE_TYPES = {**TYPES, "dec": "DECIMAL(9,2)"}
CONSTANTS = {
    "int": ["0", "1", "2", "-1", "3", "1 + 1", "1.5"],
    "dec": ["0", "1.50", "2.25", "-3.00", "0.005"],
    "text": ["'a'", "'A'", "'a '", "''", "'ä'", "'b''c'", "'%x_'", "'{1}'"],
    "date": ["DATE '2024-01-01'", "'2024-01-31'", "DATE '2024-02-29'", "TIMESTAMP '2024-01-31 12:00:00'"],
    "ts": ["TIMESTAMP '2024-01-01 00:00:00'", "DATE '2024-02-01'", "TIMESTAMP '2024-01-31 12:30:00.5'"],
    "bool": ["TRUE", "FALSE"],
    "dbl": ["0", "1.5", "-2e0", "0.1"],
}
NAMES = [
    "k", "n", "Amount", "order", "Two Words", "ünï", "a.b", 'q"q', "it's", "x%y", "{b}", "CamelCase",
    "dvt_one", "select", "t1", "$1", "_0", "group", "UPPER", "day", "v", "w", "x", "y", "z",
]  # fmt: skip
VALUES = {
    "int": "(hash(i, {seed}, {n}) % 5)::BIGINT - 1",
    "dec": (
        "(['1.50', '2.25', '-3.00', '0.00', '0.01'])[1 + (hash(i, {seed}, {n}) % 5)::INTEGER]::DECIMAL(9,2)"
    ),
    "text": (
        "(['a', 'A', 'a ', '', 'ä', 'b''c', '%x_', '{{1}}', 'a\\b', 'Straße', '😀'])"
        "[1 + (hash(i, {seed}, {n}) % 11)::INTEGER]"
    ),
    "date": "DATE '2024-01-01' + (hash(i, {seed}, {n}) % 4)::INTEGER * 30",
    "ts": (
        "TIMESTAMP '2024-01-01' + to_hours((hash(i, {seed}, {n}) % 4)::INTEGER * 366) "
        "+ to_milliseconds((hash(i, {seed}, {n}) % 2)::INTEGER * 500)"
    ),
    "bool": "hash(i, {seed}, {n}) % 2 = 0",
    "dbl": "(['1.5', '-2', '0', '0.1'])[1 + (hash(i, {seed}, {n}) % 4)::INTEGER]::DOUBLE",
}


def quoted(name: str) -> str:
    """A name as DuckDB quotes it."""
    return '"' + name.replace('"', '""') + '"'


class Expressions:
    """Makes SQL over columns, each given as its SQL and its kind."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def predicate(self, columns: list[tuple[str, str]], depth: int) -> str:
        r = self.random
        if depth and r.random() < 0.35:
            word = r.choice([" OR ", " AND ", " OR "])
            arms = word.join(self.predicate(columns, depth - 1) for _ in range(2))
            return f"NOT ({arms})" if r.random() < 0.2 else f"({arms})"
        text, kind = r.choice(columns)
        values = CONSTANTS[kind]
        if kind == "bool":
            return r.choice(
                [text, f"NOT {text}", f"{text} IS NULL", f"{text} = TRUE", f"coalesce({text}, FALSE)"]
            )
        value, other = r.sample(values, 2)
        sign, maybe = r.choice(["=", "<>", "<", "<=", ">", ">="]), r.choice(["", "NOT "])
        forms = {
            f"{text} IS {maybe}NULL": 4,
            f"{text} {maybe}IN ({value}, {other}{r.choice(['', ', NULL'])})": 3,
            f"{text} {maybe}BETWEEN {value} AND {other}": 2,
            f"coalesce({text}, {values[0]}) {sign} {value}": 2,
            f"{text} {sign} {value}": 8,
            f"{value} {sign} {text}": 2,
        }
        return r.choices(list(forms), list(forms.values()))[0]

    def expression(self, kind: str, columns: list[tuple[str, str]]) -> str:
        r = self.random
        same = [text for text, k in columns if k == kind]
        if same and r.random() < 0.65:
            return r.choice(same)
        reference = r.choice(same) if same else f"CAST(NULL AS {TYPES[kind]})"
        text, other = r.choice(columns)
        as_text = f"CAST({text} AS VARCHAR)" if other in ("int", "date", "text") else reference
        case = f"CASE WHEN {self.predicate(columns, 1)} THEN 1 ELSE {reference} END"
        day = f"CAST({reference} + INTERVAL 1 DAY AS DATE)"
        forms: dict[str, list[str]] = {
            "int": [f"{reference} + 1", f"coalesce({reference}, 7)", case],
            "dec": [f"{reference} + 0.5", f"coalesce({reference}, 0)", f"CAST({reference} AS DECIMAL(12,1))"],
            "text": [f"upper({reference})", f"{reference} || 'x'", as_text, f"trim({reference})"],
            "date": [day, f"coalesce({reference}, DATE '2024-01-31')"],
            "ts": [f"date_trunc('month', {reference})", f"{reference} + INTERVAL 1 HOUR"],
            "bool": [f"NOT {reference}", f"({self.predicate(columns, 0)})"],
            "dbl": [f"{reference} * 2", f"coalesce({reference}, 0.5)"],
        }
        return r.choice(forms[kind])
