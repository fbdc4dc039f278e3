"""Writes what `dvt --version` shows: dbt-core's version first, as tools made for dbt expect, then dvt's."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from dvt import __version__


def version_text() -> str:
    """Return the installed versions in the form of `dbt --version`, without looking for newer ones online."""
    plugins = [f"  - {name}: {number}" for name, number in _adapters()]
    lines = [
        "Core:",
        f"  - installed: {_number('dbt-core')}",
        "",
        "dvt:",
        f"  - installed: {__version__}",
        "",
    ]
    return "\n".join([*lines, "Plugins:", *(plugins or ["  none"])])


def _number(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _adapters() -> Iterator[tuple[str, str]]:
    """Yield name and version of each adapter: a folder of dbt.adapters whose package `dbt-…` is installed."""
    spec = find_spec("dbt")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        for folder in sorted(Path(root, "adapters").glob("*/__version__.py")):
            number = _number(f"dbt-{folder.parent.name}")
            if number != "not installed":
                yield folder.parent.name, number
