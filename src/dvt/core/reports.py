"""Reports of rows and bytes moved, and of warnings, for logs and dbt's results."""

from __future__ import annotations

from dataclasses import dataclass, field

_KILO = 1000
"""Bytes in a kilobyte, kilobytes in a megabyte, and so on."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning: one of the registry's codes, a sentence with the names in it, a hint."""

    code: str
    message: str
    hint: str = ""
    output: str = ""
    """Name of the output column whose type is lost; empty for other warnings."""

    def __str__(self) -> str:
        """One paragraph, as it is logged."""
        return f"{self.code} {self.message}" + (f"\n  hint: {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Rows and bytes that one stage of a run moved."""

    what: str
    """`extract`, `read` (a seed's file), `compute`, `load` or `publish`."""
    connection: str
    """The output, or the file that was read."""
    rows: int
    bytes: int
    seconds: float
    reused: bool = False
    """True if the staged dataset was there already, so that nothing moved."""
    note: str = ""
    """What became of rows that an earlier run had kept, for people; empty if none were used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The rows that a query over several databases answers with, as Python values."""

    names: tuple[str, ...]
    rows: list[tuple[object, ...]]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Totals:
    """Rows and bytes that a whole run has moved, without reused datasets."""

    extracted_rows: int = 0
    extracted_bytes: int = 0
    loaded_rows: int = 0
    loaded_bytes: int = 0


@dataclass(slots=True)
class Outcome:
    """The result of a federated node, for logs and `run_results.json`."""

    moved: list[Moved] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def size(count: float) -> str:
    """Write a number of bytes with a decimal unit, e.g. `1.2 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < _KILO:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _KILO
    return f"{count:.1f} TB"


def count(number: int, noun: str) -> str:
    """Return a number and its noun, such as `1 object` and `2,000 objects`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
