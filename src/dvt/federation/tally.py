"""What was moved and warned of, by node for dbt's results and by run for its last line."""

from __future__ import annotations

import threading
from contextvars import copy_context
from dataclasses import replace

from dvt.core.ports.bridge import Reporter
from dvt.core.reports import Moved, Notice, Outcome, Totals


class Tally:
    """A run's. Thread-safe."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self._lock = threading.Lock()
        self._totals = Totals()

    @property
    def totals(self) -> Totals:
        """What has been moved so far."""
        return self._totals

    def add(self, moved: Moved) -> None:
        """Count what came out of a source or went into a target."""
        with self._lock:
            now = self._totals
            if moved.what == "extract" and not moved.reused:
                self._totals = replace(
                    now,
                    extracted_rows=now.extracted_rows + moved.rows,
                    extracted_bytes=now.extracted_bytes + moved.bytes,
                )
            elif moved.what == "load":
                self._totals = replace(
                    now,
                    loaded_rows=now.loaded_rows + moved.rows,
                    loaded_bytes=now.loaded_bytes + moved.bytes,
                )


class NodeTally:
    """One node's: adds to its outcome and to the run's, and tells the reporter. Thread-safe."""

    def __init__(self, run: Tally, node: str) -> None:
        self.outcome = Outcome()
        self._run = run
        self._node = node
        self._lock = threading.Lock()
        # Connectors report from threads of their own, which know nothing of the node's log lines.
        self._context = copy_context()

    def moved(self, moved: Moved) -> None:
        """One stage is done."""
        with self._lock:
            self.outcome.moved.append(moved)
        self._run.add(moved)
        self._context.copy().run(self._run.reporter.moved, self._node, moved)

    def notice(self, notice: Notice) -> None:
        """Something people should know."""
        with self._lock:
            self.outcome.notices.append(notice)
        self._context.copy().run(self._run.reporter.notice, self._node, notice)
