"""dbt, across databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from dvt.app import dvtRunner

__all__ = ["__version__", "dvtRunner"]


def __getattr__(name: str) -> object:
    """Import dbt only when somebody runs something: `dvt --version` answers at once."""
    if name == "dvtRunner":
        from dvt.app import dvtRunner

        return dvtRunner
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
