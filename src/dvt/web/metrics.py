"""Numbers for Prometheus: of policies, runs, the schedule, and the requests of this server."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterator
from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from dvt.core.moments import SECOND
from dvt.core.retention import Source
from dvt.lifecycle.schedule.health import Health, health
from dvt.web.project import Project


class Requests:
    """How many requests a server has answered, by method and status."""

    def __init__(self) -> None:
        self._mutex = Lock()
        self._counts: Counts[tuple[str, int]] = Counts()

    def count(self, method: str, status: int) -> None:
        """Count a request."""
        with self._mutex:
            self._counts[method if method in _METHODS else "OTHER", status] += 1

    def all(self) -> list[tuple[tuple[str, int], int]]:
        """Return the counts."""
        with self._mutex:
            return sorted(self._counts.items())


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def write(project: Project, requests: Requests) -> tuple[bytes, str]:
    """Return the metrics and their media type."""
    registry = CollectorRegistry()
    registry.register(_Numbers(project, requests))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Numbers(Collector):
    """Reads the numbers when they are asked for."""

    def __init__(self, project: Project, requests: Requests) -> None:
        self._project = project
        self._requests = requests

    def describe(self) -> list[Metric]:
        """Return nothing, so that the numbers are not read twice."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        with self._project.system("", Source.API) as system:
            stats, found = system.store.records.stats(), health(system)
        yield from _policies(stats)
        yield from _schedule(found)
        running = GaugeMetricFamily("dvt_lifecycle_run_in_progress", "Whether this server does a run.")
        running.add_metric([], float(self._project.runs.current() is not None))
        yield running
        requests = CounterMetricFamily(
            "dvt_web_requests", "Requests that this server has answered.", labels=["method", "status"]
        )
        for (method, status), number in self._requests.all():
            requests.add_metric([method, str(status)], number)
        yield requests


def _policies(stats: list[dict[str, object]]) -> Iterator[Metric]:
    for name, field, text in (
        ("dvt_lifecycle_retention_days", "retention_days", "For how many days items stay."),
        ("dvt_lifecycle_policy_enabled", "enabled", "Whether anything is due by the policy."),
    ):
        gauge = GaugeMetricFamily(name, text, labels=["data_type"])
        for of in stats:
            gauge.add_metric([str(of["data_type"])], float(of[field]))  # type: ignore[arg-type]
        yield gauge
    for name, field, text in (
        ("dvt_lifecycle_items_deleted", "total_cleaned", "Items that runs have deleted."),
        ("dvt_lifecycle_bytes_freed", "space_saved", "Bytes that runs have freed."),
    ):
        counter = CounterMetricFamily(name, text, labels=["data_type"])
        for of in stats:
            counter.add_metric([str(of["data_type"])], float(of[field]))  # type: ignore[arg-type]
        yield counter


def _schedule(found: Health) -> Iterator[Metric]:
    for name, value, text in (
        ("dvt_lifecycle_overdue", found.overdue_since is not None, "Whether an automatic run is overdue."),
        ("dvt_lifecycle_scheduler_alive", found.is_alive, "Whether a scheduler is at work."),
        ("dvt_lifecycle_next_run_timestamp_seconds", found.next_run / SECOND, "When the next run is."),
    ):
        gauge = GaugeMetricFamily(name, text)
        gauge.add_metric([], float(value))
        yield gauge
    success = GaugeMetricFamily(
        "dvt_lifecycle_last_success_timestamp_seconds", "When the last completed automatic run began."
    )
    if found.last_success is not None:
        success.add_metric([], found.last_success.began / SECOND)
    yield success
