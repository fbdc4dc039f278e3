"""Adapters that come with dvt: where dbt looks in its own packages, these are found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True, slots=True)
class OwnAdapter:
    """One of ours."""

    plugin: str
    """Dotted path of its AdapterPlugin."""
    driver: str
    """The module without which it cannot work."""

    @property
    def installed(self) -> bool:
        """Whether its driver is there."""
        return find_spec(self.driver) is not None

    def load(self) -> Any:
        """Import its AdapterPlugin."""
        module, _, name = self.plugin.partition(":")
        return getattr(import_module(module), name)


OWN_ADAPTERS: Mapping[str, OwnAdapter] = {
    "mysql": OwnAdapter("dvt.dbt_adapters.mysql:MYSQL", "pymysql"),
    "mariadb": OwnAdapter("dvt.dbt_adapters.mysql:MARIADB", "pymysql"),
}
"""By the `type:` of an output."""


def read_adapter_version(original: Callable[..., str], self: Any, module: str) -> str:
    """What `debug` shows; it would look into dbt's own packages."""
    kind = module.removeprefix("dbt.adapters.").removesuffix(".__version__")
    return version("dvt-engine") if kind in OWN_ADAPTERS else original(self, module)


def adapter_names(original: Callable[..., Any]) -> Iterator[str]:
    """The adapters that `init` offers: those it finds among dbt's packages, and ours."""
    yield from original()
    yield from (name for name, own in OWN_ADAPTERS.items() if own.installed)
