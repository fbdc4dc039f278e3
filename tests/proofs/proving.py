"""Proofs: each row of a list is computed by the server and by the engine, value by value."""

from __future__ import annotations

import itertools
import random
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from dvt.core.errors import DvtError
from dvt.core.plan import FederationPlan
from dvt.core.types import StageType
from dvt.federation.plan.parse import Parsed
from dvt.federation.plan.proven.classes import (
    COLLATED,
    DECIMALS,
    MIXED,
    QUOTIENT,
    SESSION_TEXT,
    ValueType,
    dialect_classes,
)
from dvt.federation.plan.proven.written import rewritten_words
from tests.proofs.comparison import compare
from tests.proofs.engine import Engine, Rows, Try, tried
from tests.proofs.keys_of import RowKeys, row_keys
from tests.proofs.rows import Row
from tests.proofs.tables import Table
from tests.proofs.values import INFINITE

_COMBINATIONS = 60
"""Most combinations of values that one row is tried with."""
_THERE = "an error in the database"
"""Begins what is told of a row that the server does not run."""
_MISSING = "no row"
"""Stands for the value of a row that the engine does not give."""
_MOST_LIMITED = 0.6
"""Share of the values of a row that may be errors on one side alone."""
_GROUPS = 12
"""Most groups of the rows of a table, for aggregates."""


class Server(Protocol):
    """A live database."""

    dialect: str
    Error: type[Exception]
    values: Mapping[str, Sequence[str | None]]
    """Hostile values by class."""
    fixed_scales: bool
    """True if a decimal's type says how many digits it shows, so that another number of them differs."""
    in_group: int
    """Fewest rows of a group, if a table has as many."""
    zone: str
    """Time zone of its session, if it can be one whose clocks change."""
    tables: Mapping[str, Table]
    """Tables of the proofs of whole queries."""

    def add(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[str | None]]) -> None: ...
    def run(self, sql: str) -> Rows: ...
    def classes(self, sql: str) -> list[str]: ...
    def is_same(self, class_: str, engine: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the proof of a row has shown."""

    row: Row
    keys: RowKeys
    result: str
    """Class of its values; empty for queries."""
    evaluations: int
    difference: str
    """The first difference; empty if there is none."""
    limit: str = ""
    """An error in the engine where the server has a value, which the documentation names."""
    refused: bool = False
    """True if one side does not bind it, or the planner refuses it: no value was compared."""

    @property
    def is_loud(self) -> bool:
        """True if the engine does not run it, so that no model is answered otherwise."""
        return self.refused and not self.difference.startswith(_THERE)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row that the server has computed, and the engine has planned."""

    outcome: Outcome
    table: str
    expected: dict[str, Any]
    trial: Try


class Failed(Exception):
    """A row has no outcome to compare: one side cannot bind it."""


class Misread(Failed):
    """SQLGlot reads a row otherwise than it is written: its keys are those of another construct."""


@dataclass
class Prover:
    """Tries rows on a server and on the engine, and learns what is proven as it goes."""

    server: Server
    engine: Engine
    proven: dict[str, str] = field(default_factory=dict)
    _made: dict[tuple[tuple[tuple[str, str], ...], bool], tuple[str, int]] = field(default_factory=dict)

    def prove(self, row: Row) -> Outcome:
        """Try a row over its values."""
        return self.prove_all([row])[0]

    def prove_all(self, rows: Sequence[Row]) -> list[Outcome]:
        """Try rows, all of which the engine computes at once."""
        prepared = [self._prepared(row) for row in rows]
        known = [one for one in prepared if isinstance(one, Prepared)]
        answers = iter(self.engine.answers([one.trial for one in known]))
        return [
            self._judged(one.outcome, one.expected, next(answers), one.table)
            if isinstance(one, Prepared)
            else one
            for one in prepared
        ]

    def _prepared(self, row: Row) -> Prepared | Outcome:
        """Compute a row on the server, and plan it; a whole query has its outcome at once."""
        try:
            return self._query(row) if row.section == "query" else self._values(row)
        except Misread as error:
            return Outcome(row, RowKeys(), "", 0, str(error))
        except Failed as error:
            return Outcome(row, self._keys(row), "", 0, str(error), refused=True)

    def add(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[str | None]]) -> None:
        """Make a table on both sides."""
        self.server.add(name, columns, rows)
        self.engine.add(name, columns, rows)

    def add_tables(self) -> None:
        """Make the tables of the proofs of whole queries; a value that the engine lacks is NULL there."""
        for name, (columns, rows) in self.server.tables.items():
            held = [
                [
                    value if self.engine.has(class_, value) else None
                    for class_, value in zip(columns.values(), row, strict=True)
                ]
                for row in rows
            ]
            self.add(name, columns, held)

    def _values(self, row: Row) -> Prepared | Outcome:
        name, count = self._table(row)
        sql = _model(row, name)
        server_class = self._server_class(sql, name)
        plan, keys, guessed = self._planned(row, sql, name, server_class)
        engine_class = self._of_stage(plan.transform.columns[-1].type)
        shown = engine_class.name if engine_class else str(plan.transform.columns[-1].type)
        if not self.server.is_same(server_class, shown):
            return Outcome(row, keys, "", 0, f"its type is {server_class} there, {shown} here")
        shown = guessed or (server_class if server_class in (SESSION_TEXT, COLLATED) else shown)
        unit = "g" if row.section != "scalar" else "id"
        last = _GROUPS if row.section != "scalar" else count
        expected = dict(
            tried(lambda where: self.server.run(_filled(sql, name, where)), self.server.Error, unit, last)
        )
        outcome = Outcome(row, keys, shown, len(expected), "")
        return Prepared(outcome, name, expected, Try(plan, unit, last, row.section == "window"))

    def _of_stage(self, type_: StageType) -> ValueType | None:
        return dialect_classes(self.server.dialect).of_stage(type_)

    def _planned(
        self, row: Row, sql: str, name: str, server_class: str
    ) -> tuple[FederationPlan, RowKeys, str]:
        """Plan a row; where decimals have fixed scales, the translation has to know its class before."""
        parsed, plan = self._plan(sql, [name])
        keys = row_keys(self.engine, parsed, row.section)
        if not self.server.fixed_scales or server_class not in DECIMALS or not keys.own:
            return plan, keys, ""
        key = keys.own[0]
        guessed = _guessed(key)
        known = self.proven.get(key)
        self.proven[key] = known or guessed
        try:
            return self._plan(sql, [name])[1], keys, guessed
        finally:
            if known is None:
                del self.proven[key]

    def _judged(self, outcome: Outcome, expected: dict[str, Any], got: dict[str, Any], name: str) -> Outcome:
        """Compare values; a decimal whose text differs is proven as a quotient."""
        result, limits, limited = outcome.result, "", 0
        # The rows of a window have keys of their own: those of a group with an error are missing.
        missing = next((value for value in got.values() if isinstance(value, Exception)), _MISSING)
        for key, value in expected.items():
            other = got.get(key, missing)
            failures = [isinstance(side, Exception) for side in (value, other)]
            if all(failures):
                continue
            at = self.engine.arguments(name, key) if any(failures) or value != other else ""
            limit = _limit(result, value, other)
            if limit:
                limits, limited = limits or f"{limit} ({at})", limited + 1
                continue
            if any(failures) or other is _MISSING:
                return replace(outcome, difference=f"{_shown(value)} there, {_shown(other)} here ({at})")
            agreement = compare(result, value, other)
            scale_differs = not agreement.same_text and result in DECIMALS and self.server.fixed_scales
            if not agreement.equal or scale_differs:
                return replace(outcome, difference=f"{value!r} there, {other!r} here ({at})")
            if not agreement.same_text and result == "decimal":
                result = MIXED
        if limited > _MOST_LIMITED * len(expected):
            return replace(outcome, difference=limits)
        return replace(outcome, result=result, limit=limits)

    def _query(self, row: Row) -> Outcome:
        names = [name for name in self.server.tables if "{" + name + "}" in row.sql]
        sql = _query_model(row, names)
        parsed, plan = self._plan(sql, names)
        keys = row_keys(self.engine, parsed, row.section)
        try:
            classes = self.server.classes(_unqualified(sql))
        except self.server.Error as error:
            return Outcome(row, keys, "", 0, f"{_THERE}: {_first_line(error)}")
        here = [
            class_.name if (class_ := self._of_stage(column.type)) else str(column.type)
            for column in plan.transform.columns
        ]
        if len(here) != len(classes) or not all(map(self.server.is_same, classes, here)):
            return Outcome(row, keys, "", 0, f"its types are {classes} there, {here} here")
        try:
            expected, got = self.server.run(_unqualified(sql)), self.engine.run(plan, "")
        except (self.server.Error, *self.engine.errors) as error:
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
            words = [word for word, _ in rewritten_words(sql, parsed.tokens, self.server.dialect)]
            if words:
                raise Misread(f"SQLGlot reads it otherwise than it is written: {words}")
            return parsed, self.engine.plan(parsed)
        except DvtError as error:
            raise Failed(_first_line(error)) from error

    def _server_class(self, sql: str, name: str) -> str:
        try:
            return self.server.classes(_filled(sql, name, "WHERE 1 = 0"))[-1]
        except self.server.Error as error:
            raise Failed(f"{_THERE}: {_first_line(error)}") from error

    def _keys(self, row: Row) -> RowKeys:
        try:
            names = [name for name in self.server.tables if "{" + name + "}" in row.sql]
            sql = _query_model(row, names)
            if row.section != "query":
                name, _ = self._table(row)
                names, sql = [name], _model(row, name)
            parsed = self.engine.parse(sql, names)
            return row_keys(self.engine, parsed, row.section) if parsed.problem is None else RowKeys()
        except DvtError:
            return RowKeys()

    def _table(self, row: Row) -> tuple[str, int]:
        """Return a table with values of the row's classes in all columns, and its number of rows."""
        classes = row.classes
        if (classes, row.finite) not in self._made:
            name = f"values_{len(self._made)}"
            rows = _combinations(classes, self._held(classes), finite=row.finite)
            columns = {"id": "integer", "g": "integer", **dict(classes)}
            groups = max(min(len(rows) // self.server.in_group, _GROUPS), 1)
            numbered = [[str(index), str(index % groups), *row] for index, row in enumerate(rows)]
            self.add(name, columns, numbered)
            self._made[classes, row.finite] = name, len(rows)
        return self._made[classes, row.finite]

    def _held(self, classes: tuple[tuple[str, str], ...]) -> dict[str, list[str | None]]:
        """Return the values of classes that the engine has."""
        return {
            class_: [value for value in self.server.values[class_] if self.engine.has(class_, value)]
            for _, class_ in classes
        }


def _guessed(key: str) -> str:
    """Return the class of a decimal result: computed from quotients, it has more digits than it shows."""
    divides = key.startswith(("Div(", "Avg("))
    rounds = key.startswith(("Round(", "Trunc(", "Ceil(", "Floor(", "Cast("))
    return QUOTIENT if (divides or QUOTIENT in key) and not rounds else "decimal"


def _limit(class_: str, value: Any, other: Any) -> str:
    """Return a difference that is allowed and documented; empty if there is none."""
    if isinstance(other, Exception) and not isinstance(value, Exception):
        return f"an error in the engine only: {_first_line(other)}"
    overflows = isinstance(value, Exception) and "out of range" in str(value).lower()
    if overflows and class_ in ("double", "float"):
        return f"{other} where the database raises: out of range"
    return ""


def _shown(value: Any) -> str:
    return "an error" if isinstance(value, Exception) else repr(value)


def _combinations(
    classes: tuple[tuple[str, str], ...], of_class: Mapping[str, Sequence[str | None]], *, finite: bool
) -> list[tuple[str | None, ...]]:
    values = [
        [value for value in of_class[class_] if not finite or value not in INFINITE] for _, class_ in classes
    ]
    product = list(itertools.product(*values))
    if len(product) <= _COMBINATIONS:
        return product
    seed = zlib.crc32(repr(classes).encode())
    return random.Random(seed).sample(product, _COMBINATIONS)


def _model(row: Row, name: str) -> str:
    if row.section == "aggregate":
        return f"SELECT g, {row.sql} AS v FROM main.{name} AS vals GROUP BY g"
    return f"SELECT id, {row.sql} AS v FROM main.{name} AS vals"


def _query_model(row: Row, names: Sequence[str]) -> str:
    sql = row.sql
    for name in names:
        sql = sql.replace("{" + name + "}", f"main.{name}")
    return sql


def _filled(sql: str, name: str, where: str) -> str:
    return sql.replace(f"main.{name} AS vals", f"(SELECT * FROM {name} {where}) AS vals")


def _unqualified(sql: str) -> str:
    return sql.replace("main.", "")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
