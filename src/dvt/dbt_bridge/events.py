"""Reports the progress and the warnings of federated nodes as dbt's events.

So --quiet, --log-format and dbt's log files apply to them too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dbt.events.types import JinjaLogInfo, JinjaLogWarning
from dbt_common.events.contextvars import get_node_info
from dbt_common.events.functions import fire_event, warn_or_error
from dbt_common.events.types import Note

from dvt.core.ports.operations import NotRecorded, OperationRecorder
from dvt.core.reports import Moved, Notice, Totals, size

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


class EventReporter:
    """Implements `core.ports.bridge.Reporter`: fires a dbt event for every report. Thread-safe."""

    def __init__(
        self, manifest: Callable[[], Manifest | None], recorder: OperationRecorder | None = None
    ) -> None:
        self._manifest = manifest
        self._recorder = recorder or NotRecorded()
        self._lock = threading.Lock()
        self._shown: set[tuple[str, str]] = set()

    def moved(self, node: str, moved: Moved) -> None:
        """Log a line: the stage, the connection, rows, bytes and seconds; put them on record."""
        self._recorder.moved(node, moved)
        name = self._name(node)
        figures = [f"{moved.rows:,} rows"] if moved.rows >= 0 else []
        figures += [size(moved.bytes)] if moved.bytes > 0 else []
        counts = f": {', '.join(figures)}" if figures else ""
        text = f"   {name}: {moved.what} {moved.connection}{counts} in {moved.seconds:.2f}s"
        if moved.note or moved.reused:
            text += f" ({moved.note or 'staged before'})"
        fire_event(JinjaLogInfo(msg=text, node_info=get_node_info()))

    def progress(self, text: str) -> None:
        """Log a line, with the node's name where this thread, or the context it runs in, has one."""
        node_info = get_node_info()
        name = node_info.get("node_name", "")
        fire_event(JinjaLogInfo(msg=f"   {name}: {text}" if name else f"   {text}", node_info=node_info))

    def notice(self, node: str, notice: Notice) -> None:
        """Fire a warning once; dbt's --warn-error makes it an error."""
        with self._lock:
            if (notice.code, notice.message) in self._shown:
                return
            self._shown.add((notice.code, notice.message))
        dbt_node = self._node(node)
        if dbt_node is not None:
            named = f"{dbt_node.name} ({dbt_node.original_file_path}): {notice.message}"
            notice = replace(notice, message=named)
        warn_or_error(JinjaLogWarning(msg=str(notice), node_info=get_node_info()), node=dbt_node)

    def _node(self, unique_id: str) -> Any:
        manifest = self._manifest()
        return manifest.nodes.get(unique_id) if manifest is not None else None

    def _name(self, unique_id: str) -> str:
        node = self._node(unique_id)
        return unique_id.rsplit(".", 1)[-1] if node is None else str(node.name)


def summarize(totals: Totals) -> None:
    """Log the run's last line: rows and bytes extracted and loaded in all."""
    extracted = f"{totals.extracted_rows:,} rows ({size(totals.extracted_bytes)}) extracted"
    loaded = f"{totals.loaded_rows:,} rows ({size(totals.loaded_bytes)}) loaded"
    fire_event(Note(msg=f"Moved between databases: {extracted}, {loaded}"))
