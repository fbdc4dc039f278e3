"""Rows and bytes moved, and warnings: by node for dbt's results, by run for its last line."""

from __future__ import annotations

import threading
from contextvars import copy_context
from dataclasses import replace

from dvt.core.ports.bridge import Reporter
from dvt.core.ports.staging import Dataset
from dvt.core.reports import Moved, Notice, Outcome, Totals


class RunMetrics:
    """Metrics of a run. Thread-safe."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self._lock = threading.Lock()
        self._totals = Totals()

    @property
    def totals(self) -> Totals:
        """Rows and bytes moved so far."""
        return self._totals

    def add(self, moved: Moved) -> None:
        """Count rows and bytes that came out of a source or went into a target."""
        with self._lock:
            totals = self._totals
            if moved.what == "extract" and not moved.reused:
                self._totals = replace(
                    totals,
                    extracted_rows=totals.extracted_rows + moved.rows,
                    extracted_bytes=totals.extracted_bytes + moved.bytes,
                )
            elif moved.what == "load":
                self._totals = replace(
                    totals,
                    loaded_rows=totals.loaded_rows + moved.rows,
                    loaded_bytes=totals.loaded_bytes + moved.bytes,
                )


class NodeMetrics:
    """One node's metrics: adds to its outcome and the run's metrics, tells the reporter. Thread-safe."""

    def __init__(self, run: RunMetrics, node: str) -> None:
        self.outcome = Outcome()
        self._run = run
        self._node = node
        self._lock = threading.Lock()
        # Connectors report from threads of their own; with this context their log lines name the node.
        self._context = copy_context()

    def moved(self, moved: Moved) -> None:
        """Count what a stage moved, and report it."""
        with self._lock:
            self.outcome.moved.append(moved)
        self._run.add(moved)
        self._context.copy().run(self._run.reporter.moved, self._node, moved)

    def read(self, file: str, dataset: Dataset, seconds: float) -> None:
        """Report the rows of a file that were staged; they come from no connection."""
        self._context.copy().run(
            self._run.reporter.moved,
            self._node,
            Moved(what="read", connection=file, rows=dataset.rows, bytes=dataset.bytes, seconds=seconds),
        )

    def notice(self, notice: Notice) -> None:
        """Add a warning, and report it."""
        with self._lock:
            self.outcome.notices.append(notice)
        self._context.copy().run(self._run.reporter.notice, self._node, notice)
