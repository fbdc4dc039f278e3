"""Which dbt adapters are installed; those that are not in dbt's namespace are found by name too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from dvt.core.errors import DriverMissing
from dvt.resolution.output_types import output_type, output_types


def require_adapter(kind: str) -> None:
    """Raise unless dbt's adapter for this type is installed."""
    if not _installed(kind):
        raise DriverMissing(f"dbt's adapter for outputs of type {kind}", output_type(kind).install_line)


def read_adapter_version(original: Callable[..., str], self: Any, module: str) -> str:
    """What `debug` shows; it would look into dbt's own packages."""
    kind = module.removeprefix("dbt.adapters.").removesuffix(".__version__")
    own = output_type(kind).adapter
    return original(self, module) if own is None else own.version


def adapter_names(original: Callable[..., Any]) -> Iterator[str]:
    """The adapters that `init` offers: those it finds among dbt's packages, and those of output types."""
    yield from original()
    yield from (kind.name for kind in output_types() if kind.adapter is not None and kind.adapter.installed)


def _installed(kind: str) -> bool:
    own = output_type(kind).adapter
    if own is not None:
        return own.installed
    with suppress(ImportError, ValueError):
        return find_spec(f"dbt.adapters.{kind}") is not None
    return False
