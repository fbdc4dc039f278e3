"""Values from earlier answers, for queries that need them before they are sent, and for the transform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from dvt.core.ports.engines import Engine, Value
from dvt.core.ports.staging import Dataset
from dvt.core.queries import Need, Sql, filled, places, rendered


def with_answers(sql: Sql, answers: Mapping[str, Dataset], engine: Engine) -> Sql:
    """Fill the places of values in a SQL text, each with the first value of its answer as a string literal.

    The place stands in a CAST to the value's type.
    """
    values = {name: engine.fetch(answers[name])[0][1] for name in dict.fromkeys(places(sql))}
    return filled(sql, {name: _literal(text, engine) for name, text in values.items()})


def values_of(need: Need, answers: Mapping[str, Dataset], engine: Engine) -> Sequence[Value] | None:
    """Return what a query needs: one value or a list of keys; None if there is no value, or too many keys."""
    if need.limit is not None:
        (alias,) = places(need.value)
        return engine.keys(answers[alias], need.limit)
    (value,) = engine.evaluate([rendered(with_answers(need.value, answers, engine))], need.time_zone)
    return None if value is None else [value]


def _literal(text: str | None, engine: Engine) -> str:
    node = exp.null() if text is None else exp.Literal.string(text)
    return str(node.sql(dialect=engine.dialect))
