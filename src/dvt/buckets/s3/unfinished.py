"""Uploads in parts that nobody has completed or aborted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dvt.buckets.s3.errors import is_answer


@dataclass(frozen=True, slots=True)
class UnfinishedUploads:
    """Those of a bucket: `client` is of boto3, whose errors are raised."""

    client: Any
    bucket: str

    def below(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        """Yield those of the keys that begin with a prefix, as boto3 describes them."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        for page in pages:
            yield from page.get("Uploads", ())

    def bytes(self, key: str, upload: str) -> int | None:
        """Return the bytes of all parts that have arrived; None if the credentials may not list them."""
        pages = self.client.get_paginator("list_parts").paginate(Bucket=self.bucket, Key=key, UploadId=upload)
        try:
            return sum(int(part["Size"]) for page in pages for part in page.get("Parts", ()))
        except Exception as error:
            if is_answer(error, "NoSuchUpload"):
                return 0  # somebody has ended it meanwhile
            if is_answer(error, "AccessDenied"):
                return None
            raise

    def abort(self, key: str, upload: str) -> None:
        """Abort one; nothing is done if somebody has ended it meanwhile."""
        try:
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)
        except Exception as error:
            if not is_answer(error, "NoSuchUpload"):
                raise
