"""The interface to buckets through which data move between a warehouse and staging."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from dvt.core.ports.staging import Location
from dvt.core.queries import SourceQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketAccess:
    """Credentials by which a warehouse reaches a bucket of S3, or of Azure; no text may show them."""

    access_key_id: str = field(default="", repr=False)
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    region: str = ""
    sas_token: str = field(default="", repr=False)
    """A shared access signature of Azure, without a question mark."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no text may show."""
        return tuple(filter(None, (self.secret_access_key, self.session_token, self.sas_token)))


class TransferBucket(Protocol):
    """A bucket of the profile that a warehouse can reach by itself."""

    name: str
    """The entry of buckets.yml."""
    kind: str
    """The entry's type."""
    why: str
    """Why it was chosen, for people."""

    def place(self) -> AbstractContextManager[Location]:
        """Give a folder for one transfer, which is removed when the `with` ends.

        It is in the run's own folder, under the run's lease: what a run leaves there that was killed, the
        next run or `dvt clean` removes.
        """

    def access(self) -> BucketAccess:
        """Return credentials that a warehouse can be given; those of this machine if the entry has none."""


class Transfers(Protocol):
    """The buckets of the profile, for connectors of warehouses."""

    def choose(
        self, kinds: Sequence[str], *, own: str = "", asked: str = "", consumer: str
    ) -> TransferBucket | None:
        """Return the bucket through which data move; None if none of these types is configured.

        That which is `asked` for by a source's or model's config, if it has one of the types; else `own`, the
        output's, which must have one of them (TransferBucketWrong); else the run's default bucket, if it has;
        else the first one of the first type that any has.

        Args:
            kinds: types of buckets that the warehouse can reach, the preferred one first.
            own: the name that the output gives.
            asked: the name that the config of a source or a model gives.
            consumer: the warehouse, as `Bucket.uri_for` takes it.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How data move between a warehouse and staging."""

    by: str
    """By what, for people: `UNLOAD through bucket 'lake' (s3)`."""
    why: str
    is_fallback: bool = False
    """It is the slower way for want of a bucket (DVT022)."""

    def __str__(self) -> str:
        return f"{self.by}: {self.why}"


@runtime_checkable
class HasRoutes(Protocol):
    """A connector of a warehouse: much data moves through a bucket, little or the rest by its driver."""

    warehouse: str
    """The warehouse's name, for people."""

    def read_route(self, query: SourceQuery) -> Route:
        """Return how the answer to a query would arrive."""

    def load_route(self, rows: int | None, bytes_: int | None, bucket: str = "") -> Route:
        """Return how so many rows would be loaded; None: nobody knows how many.

        `bucket` is the name that the model's config gives.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """How much is little: it does not pay to move it through a bucket."""

    rows: int = 100_000
    bytes: int = 16 * 2**20

    def covers(self, rows: int | None, bytes_: int | None) -> bool:
        """Return whether this is little for certain."""
        return rows is not None and rows <= self.rows and (bytes_ is None or bytes_ <= self.bytes)
