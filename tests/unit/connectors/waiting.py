"""Moments that tests wait for."""

from __future__ import annotations

import time

from dvt.testing.connectors import Bench


def under_way(bench: Bench) -> None:
    """Wait until a query has been running for a while: before that there is nothing to stop."""
    seen, until = 0, time.monotonic() + 60
    while seen < 10 and time.monotonic() < until:
        seen = seen + 1 if bench.connector._running._queries else 0
        time.sleep(0.02)
    assert seen == 10
