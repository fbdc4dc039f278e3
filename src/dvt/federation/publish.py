"""Publish a filled stage table: dbt's own macros make it the node's table."""

from __future__ import annotations

import time
from collections.abc import Callable

from dvt.core.plan import Load
from dvt.core.ports.bridge import Publisher
from dvt.core.reports import Moved


def publish(load: Load, publisher: Publisher, report: Callable[[Moved], None]) -> None:
    """Hand the stage table over; report the rows that the database says it wrote, -1 if it does not say."""
    begun = time.monotonic()
    rows = publisher.publish(load)
    seconds = time.monotonic() - begun
    report(Moved(what="publish", connection=load.stage.connection, rows=rows, bytes=0, seconds=seconds))
