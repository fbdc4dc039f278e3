"""The buckets of a profile, as buckets.yml says, and the types that they may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dvt.core.compression import SNAPPY, Compression
from dvt.core.error_list import ErrorList
from dvt.core.errors import DvtError, UnknownBucket
from dvt.core.keeping import KEEPING, Keeping
from dvt.core.ports.staging import NeedsJar
from dvt.core.registry import Registry
from dvt.core.reports import Notice

BUCKETS = Registry(
    "dvt.buckets",
    {
        "azure": "dvt.buckets.azure:AzureBucket",
        "filesystem": "dvt.buckets.filesystem:FilesystemBucket",
        "gcs": "dvt.buckets.gcs:GCSBucket",
        "hdfs": "dvt.buckets.hdfs:HDFSBucket",
        "s3": "dvt.buckets.s3:S3Bucket",
    },
)
"""`type` of an entry → class of the bucket, which is called with (name, settings, BucketContext). It is
defined here since reading the file needs the classes' settings models."""
LOCAL = "local"
"""The name of the bucket that always exists, even without a file: the project's own folder."""
OWN = "filesystem"
"""The type of that bucket: without a `path`, an entry of this type is in the project's own folder."""


@dataclass(frozen=True, slots=True)
class BucketEntry:
    """An entry: a type of bucket, and the keys of its settings by their canonical names."""

    name: str
    kind: str = OWN
    """The entry's `type`."""
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Without `type`, and without what is no business of the bucket's own."""
    compression: Compression = SNAPPY
    keeping: Keeping = KEEPING
    errors: tuple[DvtError, ...] = ()
    """Environment variables that it names and that are not set: an error only if the bucket is used."""
    notices: tuple[Notice, ...] = ()
    """Warnings for a run that uses it."""

    @property
    def is_shared(self) -> bool:
        """Whether other projects may stage in it, too: it is not the project's own folder."""
        return self.kind != OWN or "path" in self.settings

    def checked(self) -> BucketEntry:
        """Return the entry; raise what keeps it from being used."""
        errors = ErrorList()
        for error in self.errors:
            errors.add(error)
        errors.raise_all()
        return self


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of the profile in use."""

    entries: Mapping[str, BucketEntry]
    default: str
    """Where runs stage what no config gives another bucket."""
    project_id: str | None = None
    """Names this project's folder in buckets that are shared; None: the project's name does."""
    file: str | None = None
    written: tuple[str, ...] = ()
    """Names of the entries that the file has for the profile."""
    notices: tuple[Notice, ...] = ()
    """Warnings about what the file says of the profile."""

    @property
    def hadoop_jars(self) -> tuple[str, ...]:
        """Jars by which Hadoop reaches the buckets that the file has, in Maven's words."""
        kinds = sorted({self.entries[name].kind for name in self.written} & {*BUCKETS})
        classes = (BUCKETS.load(kind) for kind in kinds)
        return tuple(bucket.hadoop_jar for bucket in classes if isinstance(bucket, NeedsJar))

    def get(self, name: str | None = None) -> BucketEntry:
        """Return an entry, the default one for None; UnknownBucket if there is no such entry."""
        key = name or self.default
        if key not in self.entries:
            raise UnknownBucket(key, self.entries, self.file)
        return self.entries[key]


NO_FILE = Buckets({LOCAL: BucketEntry(LOCAL)}, LOCAL)
"""What a profile has that no buckets.yml has a section for."""
