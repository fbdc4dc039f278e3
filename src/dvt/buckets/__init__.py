"""Where staged files are kept: one file per type of bucket. `dvt.config.buckets.BUCKETS` names them all."""

from __future__ import annotations

from dvt.config.buckets import BUCKETS

__all__ = ["BUCKETS"]
