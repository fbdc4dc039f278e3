"""Lets dbt find the adapter of one output among several of the same type.

dbt looks up an adapter by `credentials.type`. For every output but the default one this is a `TargetType`: a
str that equals the type, so dbt and its macros treat it as the type, and that carries the output's name.
"""

from __future__ import annotations

from typing import Self


class TargetType(str):
    """The type of an output, which also carries the output's name."""

    __slots__ = ("target",)

    target: str

    def __new__(cls, kind: str, target: str) -> Self:
        """Return the type `kind` of the output `target`."""
        instance = super().__new__(cls, kind)
        instance.target = target
        return instance
