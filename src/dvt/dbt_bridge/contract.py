"""An enforced contract: the stage's columns in the very types that the model's yml names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from dvt.core.errors import ValueLost
from dvt.dbt_bridge.dialects import of_type

LENGTHS_IGNORED = frozenset({"duckdb"})
"""Adapters of databases to which `varchar(3)` means `varchar`."""


def contract_columns(node: Any, adapter: Any) -> str:
    """A select list over the stage table. Types that need no cast get one all the same."""
    return ", ".join(f"cast({name} as {native}) as {name}" for name, native in _columns(node, adapter))


def refuse_longer(node: Any, adapter: Any, stage: Any) -> None:
    """Raise when a text is longer than its type: the cast would cut it off, where a table refuses it."""
    sized = list(_sized(node, adapter))
    if not sized or adapter.type() in LENGTHS_IGNORED:
        return
    dialect = of_type(adapter.type())
    longest = ", ".join(f"max({exp.Length(this=exp.var(name)).sql(dialect=dialect)})" for name, *_ in sized)
    _, answer = adapter.execute(f"select {longest} from {stage}", fetch=True)
    for (name, native, most), found in zip(sized, answer.rows[0], strict=True):
        if found is not None and int(found) > most:
            problem = f"a text of {int(found)} characters is too long for type {native}"
            hint = "give the column a longer type in its contract, or cut the text in the SELECT"
            raise ValueLost(f"column {name}", problem, hint)


def _columns(node: Any, adapter: Any) -> Iterator[tuple[str, str]]:
    """Names as SQL writes them, and types as the target spells them."""
    for column in node.columns.values():
        native = str(column.data_type)
        if node.contract.alias_types:
            native = adapter.Column.translate_type(native)
        yield adapter.quote(column.name) if column.quote else column.name, native


def _sized(node: Any, adapter: Any) -> Iterator[tuple[str, str, int]]:
    for name, native in _columns(node, adapter):
        kind = exp.DataType.build(native, dialect=of_type(adapter.type()))
        if kind.is_type(*exp.DataType.TEXT_TYPES) and kind.expressions:
            yield name, native, int(kind.expressions[0].name)
