"""The choice of the way that data take between a warehouse and staging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvt.core.ports.transfers import Route, Threshold, TransferBucket, Transfers


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """What decides how the data of one output of a warehouse move."""

    transfers: Transfers | None
    """The buckets of the profile; None outside of runs."""
    kinds: Sequence[str]
    """Types of buckets that the warehouse reaches by itself, the preferred one first."""
    consumer: str
    """The warehouse as a consumer of buckets."""
    own: str
    """The bucket that the output names; empty: none."""
    threshold: Threshold

    def choose(
        self, by: str, otherwise: str, rows: int | None, bytes_: int | None, asked: str = ""
    ) -> tuple[Route, TransferBucket | None]:
        """Return how so much data moves, and the bucket if it is through one.

        Args:
            by: the statement or job that moves data through a bucket, for people.
            otherwise: the other way, for people.
            rows: how many rows; None: nobody knows.
            bytes_: how many bytes; None: nobody knows.
            asked: the name that the config of a source or a model gives.
        """
        if self.threshold.covers(rows, bytes_):
            why = f"{rows:,} rows are no more than bulk_rows ({self.threshold.rows:,}) and bulk_bytes"
            return Route(by=otherwise, why=why), None
        bucket = self._bucket(asked)
        if bucket is None:
            why = f"no bucket of type {' or '.join(self.kinds)} is configured"
            return Route(by=otherwise, why=why, is_fallback=True), None
        return Route(by=f"{by} through bucket {bucket.name!r} ({bucket.kind})", why=bucket.why), bucket

    def _bucket(self, asked: str) -> TransferBucket | None:
        if self.transfers is None:
            return None
        return self.transfers.choose(self.kinds, own=self.own, asked=asked, consumer=self.consumer)
