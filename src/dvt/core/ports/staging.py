"""The interface to staged data: buckets, folders in them, and datasets in those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from dvt.core.compression import Compression
from dvt.core.estimates import ExtractLimits
from dvt.core.tables import StageColumn


class StoredObject(NamedTuple):
    """An object as a list of its bucket has it."""

    key: str
    bytes: int
    modified: datetime
    """When it was put, with a time zone, by the store's clock, which may differ from this machine's."""


class Bucket(Protocol):
    """A private store of objects, named by keys that are relative and use `/`. Thread-safe.

    A key or prefix that is not inside the bucket (empty, `..`, absolute) is a ValueError, except that
    `list("")` and `objects("")` list all objects. A consumer that cannot reach the bucket is a ValueError.
    `dvt.testing.suites.BucketSuite` tests a bucket.

    dvt itself moves bytes by `put`, `put_once` and `get`, which every bucket has. A *consumer* (`duckdb`,
    `hadoop`, `snowflake` …) reads and writes objects by itself, under the address that `uri_for` and
    `writing` give it. For example, what DuckDB writes into a part:

        key = sink.part()
        with sink.location.bucket.writing(CONSUMER, key) as uri:
            cursor.execute(f"COPY (SELECT …) TO '{uri}' (FORMAT parquet)")
    """

    @property
    def address(self) -> str:
        """The bucket's name in records of runs: the same in a later run, different for other buckets."""

    @property
    def consumers(self) -> frozenset[str]:
        """Consumers that can reach the objects by themselves; `uri_for` and `writing` take only these."""

    def put_once(self, key: str, data: bytes) -> None:
        """Create a small object, whole and lasting when this returns; FileExistsError if it is there."""

    def put(self, key: str, data: BinaryIO) -> None:
        """Create or replace an object, whole or not at all, by what a stream holds, in constant memory."""

    def get(self, key: str) -> BinaryIO:
        """Open an object; the caller closes it. FileNotFoundError if it is not there."""

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield key and bytes of every object in the folder `prefix` and below, in the keys' order."""

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Yield what `list` does, and when each object was put."""

    def delete(self, prefix: str) -> None:
        """Remove all objects in the folder `prefix` and below; it is no error if there are none.

        All are tried; a DvtError then tells that some may have stayed.
        """

    def uri_for(self, consumer: str, key: str) -> str:
        """Return the address at which `consumer` reads an object, or all objects in a folder."""

    def writing(self, consumer: str, key: str) -> AbstractContextManager[str]:
        """Yield the address at which `consumer` writes an object, or a folder of objects it names itself.

        They are in the bucket and lasting when the `with` ends; after an error they may be, whole or in part.
        """


class UnfinishedUpload(NamedTuple):
    """What is there of an object that somebody is putting, or was when its process died; no list has it."""

    key: str
    """The object's key. Where a store only tells the folder: that with `/` at its end, or '' for the root."""
    modified: datetime
    """When it was begun, or last written to, with a time zone, by the store's clock."""
    bytes: int | None
    """What is there; None if the store does not tell."""
    id: str
    """By what the bucket knows it."""


HADOOP = "hadoop"
"""Name of Hadoop's file systems as a consumer of buckets: Spark's workers read and write by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HadoopAccess:
    """How Hadoop's file systems reach a bucket."""

    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Hadoop's settings, with credentials: no text of dvt shows them."""
    file_system: str = ""
    """Class of the file system; empty: one that every Hadoop has."""
    artifact: str = ""
    """What brings the class, in Maven's words, with a place for Hadoop's version: `group:name:{hadoop}`."""
    user: str = ""
    """The user that the process has to be for the bucket; empty: any."""
    problem: str = ""
    """Why they cannot reach it; empty if they can."""
    on_disk: bool = False
    """True if the bucket is a folder of this machine: only programs that see the same folder reach it."""


@runtime_checkable
class NeedsJar(Protocol):
    """A class of buckets that Hadoop reaches by a jar which it does not bring."""

    hadoop_jar: ClassVar[str]
    """The jar in Maven's words, with a place for Hadoop's version: `group:name:{hadoop}`."""


@runtime_checkable
class OnHadoop(Protocol):
    """A bucket that Hadoop's file systems may reach; they do if `HADOOP` is among its consumers."""

    def hadoop(self) -> HadoopAccess:
        """Return how they reach it."""


@runtime_checkable
class HasUploads(Protocol):
    """A bucket that tells of unfinished uploads."""

    def uploads(self, prefix: str) -> Iterator[UnfinishedUpload] | None:
        """Yield those in the folder `prefix` and below, '' being the bucket; None if the store tells none."""

    def abort(self, upload: UnfinishedUpload) -> None:
        """Remove what is there of one, so that it cannot be finished; no error if nothing is."""


@runtime_checkable
class OnDisk(Protocol):
    """A bucket in folders of this machine, any of which somebody may have replaced by a link."""

    def folders(self, folder: str) -> tuple[Path, ...]:
        """Return the paths from the bucket's outermost folder to `folder`, '' being the bucket itself."""


class BucketSettings(BaseModel):
    """The keys of an entry in buckets.yml, but for `type`; each type of bucket has a subclass of its own.

    A bucket's class names it as `settings`; a class that names none has the keys of this one. A key's aliases
    are accepted, too, in the file and wherever a bucket is made.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        strict=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    prefix: str = ""
    """Folder of the store that all keys are in; empty: its root."""
    compression: str | None = None
    """Codec of staged files: zstd, snappy, gzip or none; a level may follow zstd, such as `zstd:3`."""
    keep: Literal["never", "after_failure", "always"] | None = None
    """What stays when a run ends: nothing, what later runs may take of a run that failed, or all of it."""
    resume_within: str | None = None
    """For how long later runs may take what a run that failed has extracted, such as `6h` or `2d`."""


def _below_the_file(path: str, info: ValidationInfo) -> str:
    """Return an absolute path, where the folder of buckets.yml is known."""
    folder = (info.context or {}).get("folder")
    return str(Path(folder) / Path(path).expanduser()) if folder else path


FilePath = Annotated[str, AfterValidator(_below_the_file)]
"""A path in buckets.yml; relative ones are relative to the file's folder."""
Secret = Annotated[str | None, Field(repr=False)]
"""A value that no text of dvt shows, or None."""


class RemoteSettings(BucketSettings):
    """Keys of every bucket that is reached over a network."""

    timeout: Annotated[float, Field(gt=0, strict=False)] = 60.0
    """Seconds without progress after which a request counts as frozen."""


class HttpSettings(RemoteSettings):
    """Keys of every bucket that is reached over HTTP."""

    endpoint: str | None = None
    """URL of a store that is not the provider's own."""
    verify: bool | FilePath = True
    """Whether certificates are checked, or the file with those of the authorities to trust."""

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "http://store")
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            msg = "should be a URL such as https://store.example:9000, without credentials"
            raise ValueError(msg)
        return value and value.rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketContext:
    """What the run gives a bucket beside the bucket's own settings: `Bucket(name, settings, context)`."""

    project_dir: Path
    """Relative paths in settings are relative to this."""


@dataclass(frozen=True, slots=True)
class Location:
    """A folder of a bucket."""

    bucket: Bucket
    prefix: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A committed set of Parquet files; it does not change. Its keys are of no use after the run."""

    at: Location
    keys: tuple[str, ...]
    """Keys in the bucket, all of them in `at`; empty if there are no rows."""
    columns: tuple[StageColumn, ...]
    rows: int
    """Rows of all files, without those that are deleted."""
    bytes: int
    others: tuple[StageColumn, ...] = ()
    """Columns that the files have beside `columns`."""
    deletes: str = ""
    """Key of the file with the positions of rows that are deleted, also in `at`; empty if there are none.

    Its columns are `DELETED_FILE`, a place in `keys`, and `DELETED_ROW`, a place among the file's rows; both
    are of the type BIGINT and count from 0. Whoever reads `keys` leaves these rows out.
    """

    def narrowed(self, columns: tuple[StageColumn, ...]) -> Dataset:
        """Return the dataset with a part of its columns."""
        others = (column for column in (*self.columns, *self.others) if column not in columns)
        return replace(self, columns=columns, others=tuple(others))

    def widened(self) -> Dataset:
        """Return the dataset with all columns that the files have."""
        return replace(self, columns=(*self.columns, *self.others), others=())


class Parts(Protocol):
    """Names for new files of one folder. Thread-safe."""

    @property
    def location(self) -> Location:
        """The folder."""

    @property
    def compression(self) -> Compression:
        """How the files are to be compressed."""

    def part(self) -> str:
        """Return the key of a new file, for a writer that does not name files itself."""


class Sink(Parts, Protocol):
    """A place to stage one answer as Parquet files, visible only once committed. Thread-safe.

    Its folder is the sink's alone.
    """

    @property
    def limits(self) -> ExtractLimits:
        """How much may be staged in it."""

    def count(self, rows: int) -> int:
        """Add the rows of a part that is written; return the rows of all parts."""

    def commit(self, columns: Sequence[StageColumn], rows: int, keys: Sequence[str] | None = None) -> Dataset:
        """Write the marker, once: from then on the dataset exists.

        It consists of `keys` if the writer has named the files (Spark, UNLOAD) or leaves out parts that it
        wrote again, else of all parts that were written.
        """

    def discard(self) -> None:
        """Remove what was written, if that can be done. May be called twice, and if nothing was written."""


class Added(Parts, Protocol):
    """A place for files that are added to the folder of a dataset, where another version of it needs them.

    They are no dataset's until something names that version; files of versions that nothing names stay there
    for as long as the folder.
    """

    def version(self, of: Dataset, rows: int, deletes: str) -> Dataset:
        """Return the version with these files beside those of `of`; `deletes` is a file of the folder.

        It has `rows` rows. What was written is on the disk, or in the store, when this returns.
        """
