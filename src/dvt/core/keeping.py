"""How long staged data stays in a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Keep(StrEnum):
    """What becomes of a run's staged data when the run ends."""

    NEVER = "never"
    """It is removed, after a failed run, too."""
    AFTER_FAILURE = "after_failure"
    """It is removed after a successful run; after another it stays for a while, for a later run to take."""
    ALWAYS = "always"
    """It stays until it is cleaned."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What becomes of staged data in one bucket."""

    keep: Keep = Keep.AFTER_FAILURE
    resume_within: timedelta = timedelta(hours=6)
    """For how long a later run may take what a failed or killed one has staged; then it is removed."""

    @property
    def for_later_runs(self) -> bool:
        """Whether later runs may take what a failed or killed one has staged."""
        return self.keep is not Keep.NEVER and self.resume_within > timedelta(0)


KEEPING = Keeping()
"""What buckets do that say nothing else."""
REMOVED = Keeping(Keep.NEVER)
"""Nothing stays."""
