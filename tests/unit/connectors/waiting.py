"""Events that tests wait for."""

from __future__ import annotations

import time

from dvt.testing.connectors import Bench


def under_way(bench: Bench) -> None:
    """Wait until a query is seen running ten times in a row: before that there may be nothing to stop."""
    sightings, deadline = 0, time.monotonic() + 60
    while sightings < 10 and time.monotonic() < deadline:
        sightings = sightings + 1 if bench.connector._running._queries else 0
        time.sleep(0.02)
    assert sightings == 10
