"""What `dvt sync` did, as lines for people and as an object for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dvt.core.errors import DvtError
from dvt.environment.needs import Use


class Outcome(StrEnum):
    """What became of an item."""

    OK = "OK"
    """It is installed, and so is all that it requires."""
    MISSING = "WOULD INSTALL"
    """It is not installed, and --dry-run was given."""
    DOWNLOADED = "DOWNLOADED"
    """Its file is in the folder of --download, with those of all that it requires."""
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    """There is nothing to install for it, and the reason says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A package that is needed, or a use of which nobody can say what it needs."""

    outcome: Outcome
    package: str
    """The requirement; empty if it is not known."""
    uses: tuple[str, ...]
    version: str = ""
    is_new: bool = False
    """Whether this run has installed it."""
    reason: str = ""
    error: DvtError | None = None

    @property
    def line(self) -> str:
        """The item as a line, with the error below it."""
        name = f"{self.package} ({self.version})" if self.version else self.package
        said = "installed now" if self.is_new else self.reason
        parts = (f"{self.outcome:<13}", name, f"for {', '.join(self.uses)}")
        line = "  ".join(part for part in parts if part) + (f": {said}" if said else "")
        return line if self.error is None else f"{line}\n    " + str(self.error).replace("\n", "\n    ")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What a run of `dvt sync` did."""

    python: str
    installer: str
    """`uv` or `pip`; empty if none was needed."""
    items: tuple[Item, ...]
    others: tuple[str, ...] = ()
    """Packages that the items require, and that were installed with them, or would be."""
    conflicts: tuple[str, ...] = ()
    """What does not go together since this run."""
    lock: str = ""
    """Path of the lock file; empty if there is none."""
    lock_note: str = ""
    """What became of the lock file."""

    @property
    def is_right(self) -> bool:
        """Whether all that is needed is there, or could be."""
        return not self.conflicts and not any(item.outcome is Outcome.FAILED for item in self.items)

    def lines(self) -> Iterator[str]:
        """Yield the report line by line."""
        yield from (item.line for item in self.items)
        if not self.items:
            yield "nothing is needed besides what dvt itself requires"
        if self.others:
            yield f"with them, since they require it: {', '.join(self.others)}"
        yield from (f"{Outcome.FAILED:<13}  since this run: {conflict}" for conflict in self.conflicts)
        by = f", by {self.installer}" if self.installer else ""
        yield f"environment: {self.python}{by}"
        if self.lock:
            yield f"lock: {self.lock} ({self.lock_note})"

    def as_object(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {
            "python": self.python,
            "installer": self.installer or None,
            "ok": self.is_right,
            "items": [_object(item) for item in self.items],
            "others": list(self.others),
            "conflicts": list(self.conflicts),
            "lock": {"file": self.lock or None, "note": self.lock_note},
        }


def without_packages(uses: Sequence[Use]) -> Iterator[Item]:
    """Yield items for what has an error, and for what needs nothing."""
    for use in uses:
        if use.error is not None:
            yield Item(outcome=Outcome.FAILED, package="", uses=(use.what,), error=use.error)
        elif use.note:
            yield Item(outcome=Outcome.SKIPPED, package="", uses=(use.what,), reason=use.note)


def _object(item: Item) -> dict[str, Any]:
    error = item.error
    said = None if error is None else {"code": error.code, "message": error.message, "hint": error.hint}
    return {
        "outcome": str(item.outcome),
        "package": item.package or None,
        "version": item.version or None,
        "for": list(item.uses),
        "installed_now": item.is_new,
        "reason": item.reason or None,
        "error": said,
    }
