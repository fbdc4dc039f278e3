"""Turns the errors of Google's library into dvt's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from dvt.core.errors import (
    BucketBusy,
    BucketFailed,
    BucketLoginRefused,
    BucketMissing,
    BucketRefused,
    BucketUnreachable,
    DvtError,
    ObjectDamaged,
)
from dvt.drivers.objects.errors import StoreErrors

_BUSY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
"""Statuses below 500 of a store that is too busy."""
_NEVER = HTTPStatus.NOT_IMPLEMENTED
"""One from 500 on that will not pass."""
_ADDRESS = re.compile(r"https?://\S+")
"""Matches addresses; that of an upload under way is as good as a password."""
_NO_BUCKET = re.compile(r"bucket does not exist|notFound: bucket|no such bucket", re.IGNORECASE)
"""Matches what is said of a bucket, not an object, that is not there."""
_DAMAGED = re.compile(r"crc32c|md5|checksum", re.IGNORECASE)
"""Matches what is said of a request whose content has another checksum than it says."""


class Translator(StoreErrors):
    """Makes dvt's errors of the library's, for one bucket."""

    @contextmanager
    def translating(self, doing: str, permission: str) -> Iterator[None]:
        """Raise dvt's errors in place of the library's in the block, which needs this permission."""
        try:
            yield
        except DvtError:  # the library may be missing: it is not asked for its errors
            raise
        except _foreign() as error:
            raise self.translated(error, doing, permission) from error

    def translated(self, error: Exception, doing: str, permission: str) -> DvtError:
        """Return dvt's error for one of the library's."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

        place = self._place(doing)
        if isinstance(error, RetryError) and isinstance(error.cause, Exception):
            return self.translated(error.cause, doing, permission)
        if isinstance(error, (GoogleAPICallError, InvalidResponse)):
            return self._answered(error, doing, permission)
        if isinstance(error, DataCorruption):
            return ObjectDamaged(*place, f"other bytes arrived than were sent ({self._said(error)})")
        if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
            return BucketLoginRefused(*place, self._said(error))
        return self._unreachable(error, doing)

    def _unreachable(self, error: Exception, doing: str) -> DvtError:
        if is_silence(error):
            return self.silent(doing)
        reason = self._said(_cause(error))
        if is_distrust(error):
            return self.distrusted(doing, reason)
        return BucketUnreachable(*self._place(doing), reason)

    def _answered(self, error: Any, doing: str, permission: str) -> DvtError:
        place, reason = self._place(doing), self._said(_answer(error))
        status = int(getattr(error, "code", 0) or error.response.status_code)
        if status == HTTPStatus.UNAUTHORIZED:
            return BucketLoginRefused(*place, reason)
        if status == HTTPStatus.FORBIDDEN:
            return BucketRefused(*place, permission, reason)
        if status == HTTPStatus.NOT_FOUND and is_about_bucket(error):
            return BucketMissing(*place, reason)
        if status in _BUSY or (status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != _NEVER):
            return BucketBusy(*place, reason)
        if status == HTTPStatus.BAD_REQUEST and _DAMAGED.search(reason):
            return ObjectDamaged(*place, f"other bytes arrived than were sent ({reason})")
        return BucketFailed(*place, reason)

    def _said(self, error: object) -> str:
        return self._scrubbed(_ADDRESS.sub("…", str(error)))


def _answer(error: Any) -> object:
    """Return the store's own words, where the answer has some, else the library's."""
    try:
        return error.response.json()["error"]["message"]
    except (AttributeError, KeyError, TypeError, ValueError):
        return error


def is_about_bucket(error: Exception) -> bool:
    """Return whether what is not there is the bucket, and not an object in it."""
    return bool(_NO_BUCKET.search(str(error)))


def is_distrust(error: BaseException) -> bool:
    """Return whether a store's certificate is not trusted."""
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def is_silence(error: BaseException | None) -> bool:
    """Return whether an error is one of time, or has one as its reason."""
    return error is not None and (
        "timed out" in str(error).lower() or is_silence(error.__cause__ or error.__context__)
    )


def _foreign() -> tuple[type[Exception], ...]:
    """Return what the library raises; its errors of connections are the operating system's."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

    return (GoogleAPIError, GoogleAuthError, DataCorruption, InvalidResponse, HTTPException, OSError)


def _cause(error: BaseException) -> str:
    """Return the words about what broke a connection, without the address, which is said elsewhere."""
    return str(error).rpartition(">: ")[2].rpartition("Caused by ")[2].strip("()'\" ") or type(error).__name__
