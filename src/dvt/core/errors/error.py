"""What every error of dvt has, the codes of its warnings, and several errors as one."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Collection, Mapping
from typing import ClassVar

WARNINGS: Mapping[str, str] = {
    "DVT001": "A view that needs federation is built as a table.",
    "DVT002": "A value of this type cannot survive the way to its target unchanged.",
    "DVT003": "A construct or incremental strategy is translated and may answer differently.",
    "DVT010": "`column_types` of a seed names a column that the file does not have.",
    "DVT020": "Tables of one connection were read at slightly different moments.",
    "DVT022": "Much is moved to or from a warehouse without a bucket, which is slower.",
    "DVT023": "What a dead run left behind could not be swept yet.",
    "DVT024": "A database takes rows in a slower way than it could.",
    "DVT025": "Text that its database compares by a collation is compared byte by byte here.",
    "DVT026": "Conditions stay in the compute engine, since only the engine can read the SQL.",
    "DVT027": "A secret is written in buckets.yml as it is.",
    "DVT028": "A bucket that a run uses lacks a key that it should have.",
    "DVT029": "A run has failed over rows that an earlier run, which failed, had extracted.",
    "DVT033": "A part of an extraction was lost, and is read again in the same snapshot.",
    "DVT034": "A server allows fewer connections than a run would read with.",
    "DVT035": "A config of a seed changes nothing.",
    "DVT037": "A query over JDBC was lost, and is sent again over another connection.",
}
"""Warning code → its meaning."""


class DvtError(Exception):
    """What went wrong, with a stable code to search for and a hint what to do next."""

    code: ClassVar[str] = "DVT000"
    transient: ClassVar[bool] = False
    """True for errors that may pass: trying again later may work."""
    registry: ClassVar[dict[str, type[DvtError]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            return
        taken = cls.registry.setdefault(cls.code, cls)
        if taken is not cls or cls.code in WARNINGS:
            msg = f"{cls.__name__} reuses {cls.code}, which belongs to {taken.__name__}"
            raise TypeError(msg)

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.node: str | None = None
        self.file: str | None = None
        self.sql_line: int | None = None
        """Line of the node's compiled SQL that the error is about, if it is about one."""
        self.raw_line: int | None = None
        """The same line in the node's file, if it can be told."""

    def about(self, node: str, file: str) -> DvtError:
        """Return the error with the node that it happened to, and its file, unless it has a node already."""
        if self.node is None:
            self.node, self.file = node, file
        return self

    def __str__(self) -> str:
        head = f"{self.code} {self.message}"
        if self.node is not None:
            head = f"{self.code} {self.node} ({self.file}{self._at_line}): {self.message}"
        return f"{head}\n  hint: {self.hint}" if self.hint else head

    @property
    def _at_line(self) -> str:
        if self.raw_line is not None:
            return f", line {self.raw_line}"
        return f", line {self.sql_line} of the compiled SQL" if self.sql_line is not None else ""


def nearest(name: str, known: Collection[str]) -> str:
    """Return a hint: the closest known name, and all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"{guess}known: {', '.join(names) or 'none'}"


class SeveralErrors(DvtError):
    """A project has more than one error in its configuration; each is listed with its own code."""

    code = "DVT109"

    def __init__(self, errors: Collection[DvtError]) -> None:
        self.errors = tuple(errors)
        listed = "".join("\n\n" + textwrap.indent(str(error), "  ") for error in self.errors)
        super().__init__(f"the project has {len(self.errors)} errors, and nothing was run:{listed}")
