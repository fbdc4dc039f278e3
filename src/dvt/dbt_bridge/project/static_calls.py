"""Finds calls with constant arguments in Jinja, without rendering it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dbt_common.clients.jinja import get_environment
from dbt_common.exceptions import DbtBaseException
from jinja2 import TemplateError, nodes
from jinja2.nodes import Impossible


@dataclass(frozen=True, slots=True)
class StaticCall:
    """A call of a function by its name."""

    name: str
    args: tuple[Any, ...]
    """The positional arguments that are constants."""
    kwargs: Mapping[str, Any]
    """The keyword arguments that are constants."""


def static_calls(text: str, names: Collection[str]) -> Iterator[StaticCall]:
    """Yield the calls of functions of these names, in any order; none if the text is not Jinja."""
    if not any(name in text for name in names):
        return
    try:
        tree = get_environment().parse(text)
    except (DbtBaseException, TemplateError):
        return
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in names:
            args = tuple(value for arg in call.args for value in _constant(arg))
            kwargs = {word.key: value for word in call.kwargs for value in _constant(word.value)}
            yield StaticCall(call.node.name, args, kwargs)


def _constant(expression: nodes.Expr) -> Iterator[Any]:
    try:
        yield expression.as_const()
    except Impossible:
        return
