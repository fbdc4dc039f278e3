"""How dbt finds the adapter of one output among several of its type.

dbt finds an adapter by `credentials.type`. For every output but the default one that is a `TargetType`:
a str equal to the type, so that dbt and its macros see nothing new, which also carries the output's name.
"""

from __future__ import annotations

from typing import Self


class TargetType(str):
    """An adapter type that knows which output it was asked for."""

    __slots__ = ("target",)

    target: str

    def __new__(cls, kind: str, target: str) -> Self:
        """The type `kind` of the output `target`."""
        made = super().__new__(cls, kind)
        made.target = target
        return made
