"""How work ended."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How the work ended of which something is left: an operation, or an item of the lifecycle."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """It should say so, and does not, or not in words that are known."""
