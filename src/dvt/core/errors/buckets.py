"""Errors of buckets: a store that is not there, refuses, is too busy, or gives other bytes than it got.

`bucket` is the bucket's name in buckets.yml, `where` its address, `doing` what was asked of the store, such
as `putting 'run/x'`. The texts of a store and its library come here only without credentials in them.
"""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class BucketLibraryMissing(DvtError):
    """The library that talks to this kind of bucket is not installed."""

    code = "DVT160"

    def __init__(self, kind: str, bucket: str, package: str, extra: str) -> None:
        """`kind`: as people write it, such as `S3`; `extra`: dvt's extra that brings the library."""
        self.kind, self.bucket, self.package, self.extra = kind, bucket, package, extra
        super().__init__(
            f"{kind} bucket {bucket!r} requires {package}",
            hint=f"run `dvt sync`, or pip install 'dvt-engine[{extra}]'",
        )


class BucketUnreachable(DvtError):
    """No connection to a bucket's store could be opened, or it broke, or no byte came within `timeout`."""

    code = "DVT161"
    transient = True

    def __init__(self, bucket: str, where: str, doing: str, reason: str, hint: str = "") -> None:
        self.bucket, self.where, self.doing = bucket, where, doing
        super().__init__(
            f"cannot reach bucket {bucket!r} ({where}) while {doing}: {reason}",
            hint=hint or "is its store up, and are endpoint and network right? buckets.yml has its address",
        )


class BucketLoginRefused(DvtError):
    """A bucket's store does not know the credentials, or they have expired, or there are none."""

    code = "DVT162"

    def __init__(self, bucket: str, where: str, doing: str, reason: str, hint: str = "") -> None:
        self.bucket, self.where, self.doing = bucket, where, doing
        super().__init__(
            f"bucket {bucket!r} ({where}) refused the credentials while {doing}: {reason}",
            hint=hint
            or "check the bucket's credentials in buckets.yml, or those of this machine; renew them",
        )


class BucketRefused(DvtError):
    """The credentials of a bucket lack a permission."""

    code = "DVT163"

    def __init__(self, bucket: str, where: str, doing: str, permission: str, reason: str = "") -> None:
        """`permission`: its name in the store's policies, such as `s3:PutObject`."""
        self.bucket, self.where, self.doing, self.permission = bucket, where, doing, permission
        said = f": {reason}" if reason else ""
        super().__init__(
            f"bucket {bucket!r} ({where}) refused permission for {doing}{said}",
            hint=f"give these credentials {permission} there",
        )


class BucketMissing(DvtError):
    """The store has no bucket, container or folder of this name."""

    code = "DVT164"

    def __init__(self, bucket: str, where: str, doing: str, reason: str, hint: str = "") -> None:
        self.bucket, self.where, self.doing = bucket, where, doing
        super().__init__(
            f"bucket {bucket!r}: there is no {where} ({reason}, while {doing})",
            hint=hint or "create it, or correct its name in buckets.yml",
        )


class BucketBusy(DvtError):
    """A bucket's store answered again and again that it is too busy, or that it has failed."""

    code = "DVT165"
    transient = True

    def __init__(self, bucket: str, where: str, doing: str, reason: str) -> None:
        self.bucket, self.where, self.doing = bucket, where, doing
        super().__init__(
            f"bucket {bucket!r} ({where}) is too busy for {doing}, however often it was asked: {reason}",
            hint="run it again later, with fewer --threads, or ask who runs the store for a higher rate",
        )


class BucketFailed(DvtError):
    """A bucket's store gave an answer that dvt has no better name for."""

    code = "DVT166"

    def __init__(self, bucket: str, where: str, doing: str, reason: str, hint: str = "") -> None:
        self.bucket, self.where, self.doing = bucket, where, doing
        super().__init__(f"bucket {bucket!r} ({where}) failed while {doing}: {reason}", hint=hint)


class ObjectDamaged(DvtError):
    """The bytes of an object are not those that were put: a checksum does not match."""

    code = "DVT167"
    transient = True

    def __init__(self, bucket: str, where: str, doing: str, reason: str) -> None:
        self.bucket, self.where, self.doing = bucket, where, doing
        super().__init__(
            f"bucket {bucket!r} ({where}), while {doing}: {reason}",
            hint="something on the way changes bytes (a proxy, a bad disk or memory); run it again",
        )
