"""Publication of a filled stage table: dbt's own macros make it the node's table."""

from __future__ import annotations

import time
from collections.abc import Callable

from dvt.core.plan import Load
from dvt.core.ports.bridge import Publisher
from dvt.core.reports import Moved


def publish(load: Load, publisher: Publisher, report: Callable[[Moved], None]) -> None:
    """Publish the stage table; report the number of rows that the database gives, -1 if it gives none."""
    started = time.monotonic()
    rows = publisher.publish(load)
    seconds = time.monotonic() - started
    report(Moved(what="publish", connection=load.stage.connection, rows=rows, bytes=0, seconds=seconds))
