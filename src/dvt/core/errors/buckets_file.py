"""Errors of buckets.yml, and of the folders that projects have in a bucket."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dvt.core.errors.error import DvtError, nearest


class BucketsInvalid(DvtError):
    """buckets.yml is there but cannot be used."""

    code = "DVT114"

    def __init__(self, file: str, line: int | None, problem: str, hint: str = "") -> None:
        self.path, self.line = file, line
        at = f"{file}, line {line}" if line else file
        super().__init__(f"{at}: {problem}", hint=hint or "docs/reference/buckets.md lists every key")


class UnknownBucket(DvtError):
    """A bucket was named that buckets.yml does not define."""

    code = "DVT148"

    def __init__(self, name: str, known: Collection[str], file: str | None) -> None:
        self.name = name
        where = file or "there is no buckets.yml, so only the project's own folder"
        super().__init__(f"no bucket named {name!r} ({where})", hint=nearest(name, known))


class FolderTaken(DvtError):
    """Another project has the folder in a bucket that this one would stage data in."""

    code = "DVT155"

    def __init__(self, address: str, folder: str, owner: str, project: str) -> None:
        self.address, self.folder, self.owner, self.project = address, folder, owner, project
        super().__init__(
            f"folder {folder!r} of bucket {address} belongs to project {owner!r}, so project {project!r} "
            "cannot stage data there",
            hint="give one of the two a `project_id` of its own in buckets.yml; if the project was renamed, "
            "remove _owner.json from the folder",
        )


class TransferBucketWrong(DvtError):
    """An output names a bucket that its warehouse cannot reach, or has no credentials for."""

    code = "DVT219"

    def __init__(self, bucket: str, kind: str, warehouse: str, kinds: Sequence[str]) -> None:
        self.bucket, self.kind, self.warehouse = bucket, kind, warehouse
        reachable = " or ".join(kinds)
        super().__init__(
            f"bucket {bucket!r} is of type {kind}, and {warehouse} moves data through type {reachable} alone",
            hint="name another entry of buckets.yml as `bucket` of this output, or none",
        )


class TransferLoginMissing(DvtError):
    """A bucket's entry has no credentials that a warehouse can be given."""

    code = "DVT268"

    def __init__(self, bucket: str, kind: str, warehouse: str, way_out: str) -> None:
        self.bucket, self.kind, self.warehouse = bucket, kind, warehouse
        super().__init__(
            f"bucket {bucket!r} ({kind}) has no credentials that {warehouse} can be given", hint=way_out
        )
