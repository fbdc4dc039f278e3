"""Chooses the buckets through which data move between warehouses and staging."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

    from dvt.config.buckets import BucketEntry, Buckets
    from dvt.core.ports.staging import Location
    from dvt.core.ports.transfers import BucketAccess, TransferBucket
    from dvt.federation.buckets import RunBuckets

_OWN_STORES = (".amazonaws.com", ".amazonaws.com.cn", ".googleapis.com")
"""Ends of names of hosts that are a provider's own store, which warehouses look in."""


class RunTransfers:
    """Implements Transfers with the buckets of the profile in use. Thread-safe."""

    def __init__(self, buckets: Buckets, default: str, project_dir: Path) -> None:
        """`default` is the name of the bucket in use for what no config gives another."""
        self._buckets = buckets
        self._default = default
        self._project_dir = project_dir
        self.staged: RunBuckets | None = None
        """Where the run stages; set once it is known, before anything moves."""

    def choose(
        self, kinds: Sequence[str], *, own: str = "", asked: str = "", consumer: str
    ) -> TransferBucket | None:
        """See Transfers."""
        if asked and self._fits(asked, kinds):
            return self._bucket(asked, "the model's or source's config names it")
        if own:
            self._check(own, kinds, consumer)
            return self._bucket(own, "the output names it")
        if self._fits(self._default, kinds) and self._is_in_reach(self._default):
            return self._bucket(self._default, "it is the bucket in use")
        for kind in kinds:
            for name in self._buckets.written:
                if self._fits(name, [kind]) and self._is_in_reach(name):
                    return self._bucket(name, f"the first one of type {kind}")
        return None

    def _fits(self, name: str, kinds: Sequence[str]) -> bool:
        entry = self._buckets.entries.get(name)
        return entry is not None and entry.kind in kinds and not entry.errors

    def _is_in_reach(self, name: str) -> bool:
        """Whether a warehouse would look for it there: an endpoint may be a store of one's own."""
        host = urlsplit(str(self._buckets.entries[name].settings.get("endpoint") or "")).hostname
        return host is None or host.endswith(_OWN_STORES)

    def _check(self, own: str, kinds: Sequence[str], consumer: str) -> None:
        from dvt.core.errors import TransferBucketWrong

        entry = self._buckets.get(own).checked()
        if entry.kind not in kinds:
            raise TransferBucketWrong(own, entry.kind, consumer, kinds)

    def _bucket(self, name: str, why: str) -> TransferBucket:
        return _TransferBucket(self, self._buckets.entries[name], why)

    @contextmanager
    def place(self, name: str) -> Iterator[Location]:
        """Give a folder in a bucket for one transfer."""
        if self.staged is None:
            raise RuntimeError("the run has no buckets yet")
        with self.staged.staging(name).temporary() as location:
            yield location

    def access(self, entry: BucketEntry) -> BucketAccess:
        """Return the credentials of a bucket's entry."""
        from dvt.app.buckets import open_bucket

        bucket: Any = open_bucket(entry, self._project_dir)
        access: BucketAccess = bucket.access()
        return access


class _TransferBucket:
    """Implements TransferBucket."""

    def __init__(self, transfers: RunTransfers, entry: BucketEntry, why: str) -> None:
        self._transfers = transfers
        self._entry = entry
        self.name, self.kind, self.why = entry.name, entry.kind, why

    @contextmanager
    def place(self) -> Iterator[Location]:
        """See TransferBucket."""
        with self._transfers.place(self.name) as location:
            yield location

    def access(self) -> BucketAccess:
        """See TransferBucket."""
        return self._transfers.access(self._entry)
