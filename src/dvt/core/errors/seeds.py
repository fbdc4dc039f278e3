"""Errors of seeds that dvt loads."""

from __future__ import annotations

from dvt.core.errors.error import DvtError

_SHOWN = 80
"""Highest number of characters of a cell that a message shows."""


class SeedUnreadable(DvtError):
    """A seed's file cannot be cut into rows and cells: a row has too many, or the text is broken."""

    code = "DVT156"

    def __init__(self, file: str, line: int | None, problem: str, way_out: str) -> None:
        self.path, self.line = file, line
        at = file if line is None else f"{file}, line {line}"
        super().__init__(f"{at}: {problem}", hint=way_out)


class SeedCellWrong(DvtError):
    """A cell of a seed is not of its column's type."""

    code = "DVT157"

    def __init__(self, file: str, place: str, column: str, value: str, kind: str) -> None:
        """`place`: such as `line 3`; empty if it is not known."""
        self.path, self.place, self.column, self.value = file, place, column, value
        shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
        at = f"{file}, {place}" if place else file
        super().__init__(
            f"{at}, column {column}: {shown!r} is no {kind} that arrives unchanged",
            hint="correct the cell, or give the column another type in `column_types`",
        )


class SeedColumnInDoubt(DvtError):
    """dbt would read a column of a seed in a way that dvt does not follow."""

    code = "DVT158"

    def __init__(self, file: str, column: str, value: str, problem: str, way_out: str) -> None:
        self.path, self.column, self.value = file, column, value
        super().__init__(f"{file}, column {column}: {value!r} {problem}", hint=way_out)


class SeedConfigWrong(DvtError):
    """A config of a seed cannot have this value, or the seed's file needs another one."""

    code = "DVT159"

    def __init__(self, seed: str, config: str, problem: str, way_out: str) -> None:
        self.seed, self.config = seed, config
        super().__init__(f"seed {seed!r}: {config}: {problem}", hint=way_out)
