"""dvt's errors of a store, whose texts say nothing secret."""

from __future__ import annotations

from dvt.core.errors import BucketFailed, BucketUnreachable, DvtError, ObjectDamaged


class StoreErrors:
    """Makes the errors of one bucket that are alike in every store; each store adds those of its library."""

    def __init__(self, bucket: str, where: str, secrets: tuple[str, ...]) -> None:
        """`bucket`: its name in buckets.yml; `where`: its address; `secrets`: what no text may show."""
        self._bucket = bucket
        self._where = where
        self._secrets = secrets

    def damaged(self, doing: str, reason: str) -> DvtError:
        """Return the error of an object that is not what was put."""
        return ObjectDamaged(*self._place(doing), reason)

    def failed(self, doing: str, reason: str) -> DvtError:
        """Return the error of what has no other name."""
        return BucketFailed(*self._place(doing), reason)

    def silent(self, doing: str) -> DvtError:
        """Return the error of a store that does not answer."""
        return BucketUnreachable(
            *self._place(doing), "no byte of an answer came in time (`timeout` in buckets.yml)"
        )

    def distrusted(self, doing: str, reason: str) -> DvtError:
        """Return the error of a store whose certificate is not trusted."""
        hint = "`verify:` may name a file with the certificate of the authority that the store's is from"
        return BucketUnreachable(*self._place(doing), reason, hint)

    def _place(self, doing: str) -> tuple[str, str, str]:
        """Return the first arguments of every error of a bucket."""
        return self._bucket, self._where, doing

    def _scrubbed(self, text: str) -> str:
        """Return a text of the store or its library on one line, without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())
