"""Finds the installed dbt adapters, also those outside of dbt's namespace `dbt.adapters`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dvt.core.errors import DriverMissing, UnknownType
from dvt.resolution.output_types import output_type, output_types


def require_adapter(kind: str) -> None:
    """Raise DriverMissing if the dbt adapter of a type is not installed, UnknownType for a misspelt one."""
    if not is_installed(kind):
        require_known("", "", kind)
        install = f"run `dvt sync`, or {output_type(kind).install_line}"
        raise DriverMissing(f"dbt's adapter for outputs of type {kind}", install)


def require_known(output: str, place: str, kind: str) -> None:
    """Raise UnknownType unless there is a row for an output's type, or a dbt adapter."""
    if not output_type(kind).is_known and not is_installed(kind):
        known = {row.name for row in output_types()} | _in_dbts_namespace()
        raise UnknownType(output, place, kind, known)


def read_adapter_version(original: Callable[..., str], self: Any, module: str) -> str:
    """Return the version that `debug` shows; dbt would look for it in its own namespace only."""
    kind = module.removeprefix("dbt.adapters.").removesuffix(".__version__")
    own_adapter = output_type(kind).adapter
    return original(self, module) if own_adapter is None else own_adapter.version


def adapter_names(original: Callable[..., Any]) -> Iterator[str]:
    """Yield the adapters that `init` offers: those in dbt's namespace, then those that output types name."""
    yield from original()
    yield from (kind.name for kind in output_types() if kind.adapter is not None and kind.adapter.installed)


def is_installed(kind: str) -> bool:
    """Return whether the dbt adapter of a type is installed, without importing it."""
    own_adapter = output_type(kind).adapter
    if own_adapter is not None:
        return own_adapter.installed
    with suppress(ImportError, ValueError):
        return find_spec(f"dbt.adapters.{kind}") is not None
    return False


def _in_dbts_namespace() -> set[str]:
    """Return the types of the adapters that are packages of `dbt.adapters`."""
    spec = find_spec("dbt.adapters")
    folders = spec.submodule_search_locations or () if spec else ()
    return {file.parent.name for folder in folders for file in Path(folder).glob("*/__version__.py")}
