"""Federated nodes' progress and warnings as dbt's events: --quiet, --log-format and log files hold."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.events.types import JinjaLogInfo, JinjaLogWarning
from dbt_common.events.contextvars import get_node_info
from dbt_common.events.functions import fire_event, warn_or_error
from dbt_common.events.types import Note

from dvt.core.reports import Moved, Notice, Totals

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

KILO = 1000


class EventReporter:
    """Turns what a Federator reports (`core.ports.bridge.Reporter`) into dbt's events. Thread-safe."""

    def __init__(self, manifest: Callable[[], Manifest | None]) -> None:
        self._manifest = manifest
        self._lock = threading.Lock()
        self._shown: set[tuple[str, str]] = set()

    def moved(self, node: str, moved: Moved) -> None:
        """One line: what, whence or whither, rows, bytes, seconds."""
        name = node.rsplit(".", 1)[-1]
        figures = [f"{moved.rows:,} rows"] if moved.rows >= 0 else []
        figures += [size(moved.bytes)] if moved.bytes > 0 else []
        known = f": {', '.join(figures)}" if figures else ""
        text = f"   {name}: {moved.what} {moved.connection}{known} in {moved.seconds:.2f}s"
        if moved.reused:
            text += " (staged before)"
        fire_event(JinjaLogInfo(msg=text, node_info=get_node_info()))

    def notice(self, node: str, notice: Notice) -> None:
        """A warning by dbt's rules: --warn-error makes it an error; the same one is shown once."""
        with self._lock:
            if (notice.code, notice.message) in self._shown:
                return
            self._shown.add((notice.code, notice.message))
        manifest = self._manifest()
        reported = manifest.nodes.get(node) if manifest is not None else None
        warn_or_error(JinjaLogWarning(msg=str(notice), node_info=get_node_info()), node=reported)


def summarize(totals: Totals) -> None:
    """Write the run's last line: what was moved in all."""
    read = f"{totals.extracted_rows:,} rows ({size(totals.extracted_bytes)}) extracted"
    wrote = f"{totals.loaded_rows:,} rows ({size(totals.loaded_bytes)}) loaded"
    fire_event(Note(msg=f"Moved between databases: {read}, {wrote}"))


def size(count: float) -> str:
    """Bytes as people read them: `1.2 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < KILO:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= KILO
    return f"{count:.1f} TB"
