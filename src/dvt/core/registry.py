"""Registries: names of objects, each imported only when it is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any


class Registry(Mapping[str, str]):
    """Name → dotted path: dvt's own entries, which come first, and other packages' entry points."""

    def __init__(self, group: str, own: Mapping[str, str]) -> None:
        self._group = group
        self._own = dict(own)
        self._merged: dict[str, str] | None = None

    def _paths(self) -> dict[str, str]:
        if self._merged is None:
            others = {point.name: point.value for point in entry_points(group=self._group)}
            self._merged = others | self._own
        return self._merged

    def __getitem__(self, name: str) -> str:
        if name in self._own:
            return self._own[name]
        return self._paths()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths())

    def __len__(self) -> int:
        return len(self._paths())

    def load(self, name: str) -> Any:
        """Import the object registered as `name`; KeyError if there is none."""
        return load(self[name])


def load(path: str) -> Any:
    """Import the object at a dotted path `package.module:NAME`."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
