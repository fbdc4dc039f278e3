"""Lets `dvt debug` try the way through a bucket that much data of a warehouse takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dvt.app.transfers import RunTransfers
from dvt.core.housekeeping import NATIVE

if TYPE_CHECKING:
    from dvt.config.buckets import Buckets
    from dvt.core.housekeeping import ProjectPlace
    from dvt.core.ports.connectors import Settings
    from dvt.core.reports import Moved, Notice
    from dvt.runs.operations import Operation


class BulkWays:
    """Implements Settings: warehouses move a single row as they move many."""

    def __init__(self, outputs: Settings) -> None:
        self._outputs = outputs

    def output(self, name: str) -> Mapping[str, Any]:
        """See Settings."""
        settings = self._outputs.output(name)
        return {**settings, "bulk_rows": 0} if settings.get("type") in NATIVE else settings


class _Silent:
    """Implements Reporter: what a bucket's entry gives to warn of is told where the bucket is tested."""

    def moved(self, node: str, moved: Moved) -> None:
        """See Reporter."""

    def progress(self, text: str) -> None:
        """See Reporter."""

    def notice(self, node: str, notice: Notice) -> None:
        """See Reporter."""


class DebugTransfers(RunTransfers):
    """Implements Transfers with the buckets of the profile, for `dvt debug`."""

    def __init__(self, buckets: Buckets, place: ProjectPlace) -> None:
        super().__init__(buckets, buckets.get(None).name, place.project_dir)
        self._all = buckets
        self._place = place

    @contextmanager
    def staging_of(self, outputs: Settings, operation: Operation) -> Iterator[None]:
        """Let transfers go through buckets while the `with` lasts; remove what they have left.

        What cannot be removed stays on the operation's record, for the next run.
        """
        from dvt.app.buckets import bucket_namer, staging_opener
        from dvt.core.ports.bridge import RunContext
        from dvt.federation.buckets import RunBuckets

        context = RunContext(
            project_dir=self._place.project_dir,
            profiles_dir=self._place.profiles_dir,
            outputs=outputs,
            reporter=_Silent(),
            profile=self._place.profile,
            project=self._place.project,
        )
        opener = staging_opener(context, self._all, operation)
        self.staged = staged = RunBuckets(bucket_namer(context, self._all), opener)
        try:
            yield
        finally:
            for staging in staged.close():
                if staging.close():
                    operation.is_done_with(staging.bucket.address)


def opened_transfers(place: ProjectPlace) -> DebugTransfers | None:
    """Return the buckets of a profile; None if buckets.yml is wrong, which another check tells."""
    from dvt.config.buckets import load_buckets
    from dvt.core.errors import DvtError

    try:
        buckets = load_buckets(place.profile, place.profiles_dir, project_dir=place.project_dir)
        return DebugTransfers(buckets, place)
    except DvtError:
        return None
