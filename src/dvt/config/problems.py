"""Says what Pydantic finds wrong in a file that only dvt reads, with the file's own paths and lines."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from dvt.config.yaml_lines import Document
from dvt.core.error_list import ErrorList

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SENTENCES: Mapping[str, str] = {
    "model_type": "should be a mapping: lines of `key: value`, indented below it",
    "dict_type": "should be a mapping: lines of `key: value`, indented below it",
    "missing": "is missing",
    "too_short": "should name at least one",
}
"""Kind of Pydantic's error → what is said instead."""


class Strict(BaseModel):
    """A section of such a file. An unknown key is an error: only dvt reads the file, so it is a typo."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, strict=True, use_attribute_docstrings=True
    )


def problems_of(error: ValidationError) -> list[ErrorDetails]:
    """Return what is wrong, without the values."""
    return error.errors(include_url=False, include_input=False)


def collect(
    document: Document,
    problems: Sequence[ErrorDetails],
    parent: tuple[str, ...],
    errors: ErrorList,
    known: Collection[str] = (),
) -> None:
    """Collect what is wrong with the content of a model, with path and line.

    `parent` is the path of the content, `known` are the keys that it may have.
    """
    for problem in problems:
        path = _without_tags((*parent, *problem["loc"]), document.content)
        where = ".".join(str(part) for part in path) or "the file"
        sentence = f"{where}: {_sentence(problem['type'], problem['msg'])}"
        if problem["type"] == "extra_forbidden":
            sentence = f"{where}: {no_such_key(str(path[-1]), known)}"
        errors.add(document.error(path, sentence))


def _without_tags(loc: tuple[str | int, ...], content: Any) -> tuple[str | int, ...]:
    """Return Pydantic's path to a value without the names of union members, which the file does not have."""
    path: list[str | int] = []
    for index, part in enumerate(loc):
        if _has(content, part):
            content = content[part]
            path.append(part)
        elif index == len(loc) - 1 and isinstance(content, dict):
            path.append(part)
    return tuple(path)


def _has(content: Any, part: str | int) -> bool:
    if isinstance(content, list):
        return isinstance(part, int) and part < len(content)
    return isinstance(content, dict) and part in content


def _sentence(kind: str, message: str) -> str:
    text = _SENTENCES.get(kind, message.removeprefix("Value error, "))
    return text[:1].lower() + text[1:]


def no_such_key(key: str, known: Collection[str]) -> str:
    """Say that a key is unknown, and which known one is close to it."""
    close = [] if key in known else difflib.get_close_matches(key, sorted(known), n=1)
    return "no such key here" + (f"; did you mean {close[0]!r}?" if close else "")
