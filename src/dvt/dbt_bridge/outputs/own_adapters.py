"""Adapters that are not in dbt's namespace: where dbt looks there, these are found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dvt.resolution.output_types import output_type, output_types


def read_adapter_version(original: Callable[..., str], self: Any, module: str) -> str:
    """What `debug` shows; it would look into dbt's own packages."""
    kind = module.removeprefix("dbt.adapters.").removesuffix(".__version__")
    own = output_type(kind).adapter
    return original(self, module) if own is None else own.version


def adapter_names(original: Callable[..., Any]) -> Iterator[str]:
    """The adapters that `init` offers: those it finds among dbt's packages, and those of output types."""
    yield from original()
    yield from (kind.name for kind in output_types() if kind.adapter is not None and kind.adapter.installed)
