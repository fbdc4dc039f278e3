"""Errors of leases: of a run that could not keep what it has staged in a bucket."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class LeaseLost(DvtError):
    """A run's lease in a bucket has expired or is gone, so that others may remove the run's staged data."""

    code = "DVT170"
    transient = True

    def __init__(self, address: str, run: str, reason: str) -> None:
        self.address, self.run, self.reason = address, run, reason
        super().__init__(
            f"the lease of run {run} in bucket {address} was lost: {reason}",
            hint="did the machine sleep, or was the store out of reach, for minutes? run it again",
        )
