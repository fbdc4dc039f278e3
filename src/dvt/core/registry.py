"""Names of things that are imported only when somebody asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any


class Registry(Mapping[str, str]):
    """Dotted paths by name: our own lines first, then other packages' entry points."""

    def __init__(self, group: str, own: Mapping[str, str]) -> None:
        self._group = group
        self._own = dict(own)
        self._found: dict[str, str] | None = None

    def _paths(self) -> dict[str, str]:
        if self._found is None:
            others = {point.name: point.value for point in entry_points(group=self._group)}
            self._found = others | self._own
        return self._found

    def __getitem__(self, name: str) -> str:
        if name in self._own:
            return self._own[name]
        return self._paths()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths())

    def __len__(self) -> int:
        return len(self._paths())

    def load(self, name: str) -> Any:
        """Import what `name` stands for; KeyError when nothing is registered under it."""
        return load(self[name])


def load(path: str) -> Any:
    """Import what a dotted path `package.module:NAME` stands for."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
