"""How tests notice that dbt has moved what dvt changes in it."""

from __future__ import annotations

import dis
import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

from dvt.dbt_bridge.entry.changed_objects import CHANGED_OBJECTS

NOTICED: dict[str, str] = {}
"""What is changed → the test that notices."""


def notices(changed: str) -> Callable[[Any], Any]:
    """Mark a test that fails when dbt moves what is changed: its failure names that."""

    def mark(test: Any) -> Any:
        @functools.wraps(test)
        def naming(*args: Any, **kwargs: Any) -> None:
            try:
                test(*args, **kwargs)
            except BaseException as error:
                error.add_note(f"dbt's {changed} is not as {CHANGED_OBJECTS[changed].by} needs it")
                raise

        NOTICED[changed] = test.__name__
        return naming

    return mark


def resolve(path: str) -> Any:
    module, _, symbols = path.partition(":")
    value = importlib.import_module(module)
    for name in symbols.split("."):
        value = getattr(value, name)
    return value


def names_in(function: Any, opcode: str = "") -> set[str]:
    """The names that a function's code mentions, those of its inner functions too.

    With the name of an opcode, such as `LOAD_GLOBAL`, only those that it is used with.
    """
    codes, names = [inspect.unwrap(function).__code__], set()
    while codes:
        code = codes.pop()
        names |= {*code.co_names, *code.co_freevars} if not opcode else set()
        names |= {step.argval for step in dis.get_instructions(code) if step.opname == opcode}
        codes += [value for value in code.co_consts if inspect.iscode(value)]
    return names
