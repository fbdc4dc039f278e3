"""Proofs: each row of a list is computed by the server and by the engine, value by value."""

from __future__ import annotations

import itertools
import json
import random
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import duckdb

from dvt.core.errors import DvtError
from dvt.core.plan import FederationPlan
from dvt.federation.plan.parse import Parsed
from dvt.federation.plan.proven.classes import QUOTIENT, class_of_stage
from tests.proofs.comparison import compare
from tests.proofs.engine import Engine, Rows
from tests.proofs.keys_of import row_keys
from tests.proofs.rows import Row
from tests.proofs.values import VALUES

_COMBINATIONS = 60
"""Most combinations of values that one row is tried with."""
_MISSING = "no row"
"""Stands for the value of a row that the engine does not give."""
_GROUPS = 12
"""Groups of the rows of a table, for aggregates."""


class Server(Protocol):
    """A live database."""

    dialect: str
    Error: type[Exception]

    def add(self, name: str, columns: dict[str, str], rows: Sequence[Sequence[str | None]]) -> None: ...
    def run(self, sql: str) -> Rows: ...
    def classes(self, sql: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the proof of a row has shown."""

    row: Row
    keys: tuple[str, ...]
    """Keys that the row proves, that of its own construct first."""
    result: str
    """Class of its values; empty for queries."""
    evaluations: int
    difference: str
    """The first difference; empty if there is none."""
    limit: str = ""
    """An error in the engine where the server has a value, which the documentation names."""


class Failed(Exception):
    """A row has no outcome to compare: one side cannot bind it."""


@dataclass
class Prover:
    """Tries rows on a server and on the engine, and learns what is proven as it goes."""

    server: Server
    engine: Engine
    proven: dict[str, str] = field(default_factory=dict)
    _made: dict[tuple[tuple[str, str], ...], tuple[str, int]] = field(default_factory=dict)

    def prove(self, row: Row) -> Outcome:
        """Try a row over its values."""
        try:
            return self._query(row) if row.section == "query" else self._values(row)
        except Failed as error:
            return Outcome(row, self._keys(row), "", 0, str(error))

    def _values(self, row: Row) -> Outcome:
        name, count = self._table(row.classes)
        sql = _model(row, name)
        parsed, plan = self._plan(sql, [name])
        keys = row_keys(self.engine, parsed, row.section)
        server_class = self._server_class(sql, name)
        engine_class = class_of_stage(plan.transform.columns[-1].type)
        shown = engine_class.name if engine_class else str(plan.transform.columns[-1].type)
        same = shown.replace(QUOTIENT, "decimal") == server_class.replace(QUOTIENT, "decimal")
        if not same:
            return Outcome(row, keys, "", 0, f"its type is {server_class} there, {shown} here")
        unit = "g" if row.section != "scalar" else "id"
        last = _GROUPS if row.section != "scalar" else count
        expected = dict(
            _tried(lambda where: self.server.run(_filled(sql, name, where)), self.server.Error, unit, last)
        )
        got = dict(_tried(lambda where: self.engine.run(plan, where), duckdb.Error, unit, last))
        return self._judged(Outcome(row, keys, shown, len(expected), ""), expected, got, name)

    def _judged(self, outcome: Outcome, expected: dict[str, Any], got: dict[str, Any], name: str) -> Outcome:
        """Compare values; a decimal whose text differs is proven as a quotient."""
        result, limits = outcome.result, ""
        for key, value in expected.items():
            other = got.get(key, _MISSING)
            failures = [isinstance(side, Exception) for side in (value, other)]
            if all(failures):
                continue
            at = self.engine.arguments(name, key)
            if isinstance(value, Exception):
                return replace(outcome, difference=f"an error there, {other!r} here ({at})")
            if isinstance(other, Exception):
                limits = limits or f"an error in the engine only: {_first_line(other)} ({at})"
                continue
            agreement = compare(result, value, other)
            if not agreement.equal:
                return replace(outcome, difference=f"{value!r} there, {other!r} here ({at})")
            if not agreement.same_text and result == "decimal":
                result = QUOTIENT
        return replace(outcome, result=result, limit=limits)

    def _query(self, row: Row) -> Outcome:
        names = [name for name in ("t", "u", "v") if "{" + name + "}" in row.sql]
        sql = row.sql
        for name in names:
            sql = sql.replace("{" + name + "}", f"main.{name}")
        parsed, plan = self._plan(sql, names)
        keys = row_keys(self.engine, parsed, row.section)
        classes = self.server.classes(_unqualified(sql))
        here = [
            class_.name if (class_ := class_of_stage(column.type)) else str(column.type)
            for column in plan.transform.columns
        ]
        if [name.replace(QUOTIENT, "decimal") for name in here] != classes:
            return Outcome(row, keys, "", 0, f"its types are {classes} there, {here} here")
        try:
            expected, got = self.server.run(_unqualified(sql)), self.engine.run(plan, "")
        except (self.server.Error, duckdb.Error) as error:
            return Outcome(row, keys, "", 0, _first_line(error))
        if "ORDER BY" not in row.sql.upper().rsplit(")", 1)[-1]:
            expected, got = sorted(expected, key=repr), sorted(got, key=repr)
        for left, right in itertools.zip_longest(expected, got, fillvalue=()):
            same = len(left) == len(right) and all(
                compare(class_, one, other).equal
                for class_, one, other in zip(classes, left, right, strict=True)
            )
            if not same:
                return Outcome(row, keys, "", len(expected), f"{left} there, {right} here")
        return Outcome(row, keys, "", sum(len(one) for one in expected), "")

    def _plan(self, sql: str, names: list[str]) -> tuple[Parsed, FederationPlan]:
        try:
            parsed = self.engine.parse(sql, names)
            if parsed.problem is not None:
                raise Failed(f"it cannot be parsed: {parsed.problem.problem}")
            return parsed, self.engine.plan(parsed)
        except DvtError as error:
            raise Failed(_first_line(error)) from error

    def _server_class(self, sql: str, name: str) -> str:
        try:
            return self.server.classes(_filled(sql, name, ""))[-1]
        except self.server.Error as error:
            raise Failed(f"an error in the database: {_first_line(error)}") from error

    def _keys(self, row: Row) -> tuple[str, ...]:
        try:
            if row.section == "query":
                return ()
            name, _ = self._table(row.classes)
            parsed = self.engine.parse(_model(row, name), [name])
            return row_keys(self.engine, parsed, row.section) if parsed.problem is None else ()
        except DvtError:
            return ()

    def _table(self, classes: tuple[tuple[str, str], ...]) -> tuple[str, int]:
        """Return a table with values of these classes in all columns, and its number of rows."""
        if classes not in self._made:
            name = f"values_{len(self._made)}"
            rows = _combinations(classes)
            columns = {"id": "integer", "g": "integer", **dict(classes)}
            numbered = [[str(index), str(index % _GROUPS), *row] for index, row in enumerate(rows)]
            self.server.add(name, columns, numbered)
            self.engine.add(name, columns, numbered)
            self._made[classes] = name, len(rows)
        return self._made[classes]


def _combinations(classes: tuple[tuple[str, str], ...]) -> list[tuple[str | None, ...]]:
    product = list(itertools.product(*(VALUES[class_] for _, class_ in classes)))
    if len(product) <= _COMBINATIONS:
        return product
    seed = zlib.crc32(repr(classes).encode())
    return random.Random(seed).sample(product, _COMBINATIONS)


def _model(row: Row, name: str) -> str:
    if row.section == "aggregate":
        return f"SELECT g, {row.sql} AS v FROM main.{name} AS vals GROUP BY g"
    return f"SELECT id, {row.sql} AS v FROM main.{name} AS vals"


def _filled(sql: str, name: str, where: str) -> str:
    return sql.replace(f"main.{name} AS vals", f"(SELECT * FROM {name} {where}) AS vals")


def _unqualified(sql: str) -> str:
    return sql.replace("main.", "")


def _tried(
    run: Callable[[str], Rows], error_type: type[Exception], unit: str, last: int
) -> Iterator[tuple[str, Any]]:
    """Yield the value or the error of each row; halves what fails until a single unit is left."""
    ranges = [(0, last)]
    while ranges:
        start, end = ranges.pop()
        try:
            rows = run(f"WHERE {unit} >= {start} AND {unit} < {end}")
        except error_type as error:
            if end - start == 1:
                yield f"{unit} {start}", error
            else:
                middle = (start + end) // 2
                ranges += [(start, middle), (middle, end)]
            continue
        for row in rows:
            yield f"{'id' if unit == 'id' else unit} {row[0]}", row[-1]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]


def prove_all(prover: Prover, rows: Iterable[Row]) -> list[Outcome]:
    """Prove rows in their order; later ones may use what earlier ones have shown."""
    outcomes = []
    failed: set[str] = set()
    for row in rows:
        outcome = prover.prove(row)
        outcomes.append(outcome)
        if outcome.difference:
            failed.update(outcome.keys[:1])
        else:
            for key in outcome.keys:
                prover.proven.setdefault(key, "")
            if outcome.keys and outcome.result and row.section != "query":
                known = prover.proven.get(outcome.keys[0])
                prover.proven[outcome.keys[0]] = QUOTIENT if known == QUOTIENT else outcome.result
    for key in failed:
        prover.proven.pop(key, None)
    return outcomes


def table_of(prover: Prover, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the table of proofs as it is kept in the package."""
    differs = {
        outcome.keys[0]: outcome.difference for outcome in outcomes if outcome.difference and outcome.keys
    }
    limits: dict[str, str] = {}
    for outcome in outcomes:
        if outcome.limit:
            limits.setdefault(outcome.keys[0], outcome.limit)
    return {
        "proven": dict(sorted(prover.proven.items())),
        "differs": dict(sorted(differs.items())),
        "limits": dict(sorted((key, limit) for key, limit in limits.items() if key in prover.proven)),
        "evaluations": sum(outcome.evaluations for outcome in outcomes),
    }


def write_table(file: Path, table: dict[str, Any]) -> None:
    """Write a table of proofs."""
    file.write_text(json.dumps(table, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
