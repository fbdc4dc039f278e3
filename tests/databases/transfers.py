"""Buckets for connectors of warehouses in tests, as a run gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvt.app.transfers import RunTransfers
from dvt.config.bucket_types import BucketEntry, Buckets
from dvt.core.ports.staging import BucketContext
from dvt.drivers.duckdb.staging import CONSUMER
from dvt.federation.buckets import RunBuckets
from dvt.staging import ownership
from dvt.staging.local_copies import LocalCopies
from dvt.staging.shared import Staging


def transfers(entry: BucketEntry, bucket: Any, folder: Path) -> RunTransfers:
    """Return what chooses a bucket, where there is one beside the project's own."""
    buckets = Buckets({"local": BucketEntry("local"), entry.name: entry}, "local", written=(entry.name,))

    def opened(name: str) -> Staging:
        own = ownership.claim(bucket(name, entry.settings, BucketContext(project_dir=folder)), "shop", "shop")
        return Staging(LocalCopies(own, CONSUMER, folder / "copies"), "run-1")

    chosen = RunTransfers(buckets, "local", folder)
    chosen.staged = RunBuckets(lambda name: name, opened)
    return chosen


@contextmanager
def through(entry: BucketEntry, bucket: Any, connector: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Give what makes connectors whose data move through a bucket; end all its runs afterwards."""
    made: list[RunTransfers] = []

    def make(name: str, settings: Any, context: Any) -> Any:
        from dataclasses import replace

        context.scratch.mkdir(parents=True, exist_ok=True)
        made.append(transfers(entry, bucket, context.scratch))
        return connector(name, settings, replace(context, transfers=made[-1]))

    yield make
    for each in made:
        if each.staged is not None:
            for staging in each.staged.close():
                staging.close()


def objects(root: Path) -> list[str]:
    """Return the keys of all that is in the bucket in use of a project's buckets.yml."""
    from dvt.app.buckets import open_bucket
    from dvt.config.buckets import load_buckets

    return [key for key, _ in open_bucket(load_buckets("shop", root, home=root).get("lake"), root).list("")]
