"""Turns boto3's errors into dvt's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
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

_PERMISSIONS: Mapping[str, str] = {
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads (on the bucket itself)",
    "ListParts": "s3:ListMultipartUploadParts",
    "GetObject": "s3:GetObject (and s3:ListBucket on the bucket, or objects that are not there are refused)",
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "DeleteObjects": "s3:DeleteObject",
    "AssumeRole": "sts:AssumeRole",
}
"""Operation → what a policy calls the permission for it."""
_LOGIN = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidToken",
        "InvalidTokenId",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
"""Codes of answers to credentials that do not hold."""
_LOGIN_HINTS: Mapping[str, str] = {
    "RequestTimeTooSkewed": "the clocks of this machine and the store differ: set this machine's right",
    "ExpiredToken": "get new credentials: a session token is good for some hours",
}
_DENIED = frozenset({"AccessDenied", "AllAccessDisabled", "AccessDeniedException", "403"})
_BUSY = frozenset(
    {
        "InternalError",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "Throttling",
        "ThrottlingException",
        "XMinioServerNotInitialized",
    }
)
_DAMAGED = frozenset(
    {
        "BadDigest",
        "ChecksumMismatch",
        "InvalidDigest",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    }
)
_REGION = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
_LOGIN_ERRORS = (
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "TokenRetrievalError",
    "ProfileNotFound",
    "SSOError",
    "LoginError",
    "RefreshWithMFAUnsupportedError",
)
"""Names of boto3's exceptions about credentials that are missing or cannot be had."""


class Translator(StoreErrors):
    """Makes dvt's errors of boto3's, for one bucket."""

    @contextmanager
    def translating(self, doing: str) -> Iterator[None]:
        """Raise dvt's errors in place of those of boto3 in the block."""
        try:
            yield
        except DvtError:  # the library may be missing: it is not asked for its errors
            raise
        except _foreign() as error:
            raise self.translated(error, doing) from error

    def translated(self, error: Exception, doing: str) -> DvtError:
        """Return dvt's error for an error of boto3."""
        from botocore.exceptions import ClientError

        if isinstance(error, ClientError):
            answer, status = error.response.get("Error", {}), _status(error)
            return self.answered(answer, doing, error.operation_name, status)
        return self._failed(error, doing)

    def answered(self, answer: Mapping[str, Any], doing: str, operation: str, status: int = 0) -> DvtError:
        """Return dvt's error for what the store has answered: a code and a message."""
        code, reason = str(answer.get("Code", "")), self._reason(answer)
        place = self._place(doing)
        if code == "NoSuchBucket":
            return BucketMissing(*place, reason)
        if code in _LOGIN:
            return BucketLoginRefused(*place, reason, _LOGIN_HINTS.get(code, ""))
        if code in _DENIED:
            return BucketRefused(*place, _PERMISSIONS.get(operation, f"s3:{operation}"), reason)
        if code in _DAMAGED:
            return ObjectDamaged(*place, f"other bytes arrived than were sent ({reason})")
        if code in _BUSY or _is_busy(status):
            return BucketBusy(*place, reason)
        hint = "the bucket is in another region: give it as `region`" if code in _REGION else ""
        return BucketFailed(*place, f"{operation}: {reason}", hint)

    def _failed(self, error: Exception, doing: str) -> DvtError:
        from botocore import exceptions

        place = self._place(doing)
        if isinstance(error, _login_errors()):
            return BucketLoginRefused(*place, self._scrubbed(str(error)))
        if isinstance(error, exceptions.SSLError):
            return self.distrusted(doing, self._scrubbed(_cause(error)))
        if isinstance(error, (exceptions.ReadTimeoutError, exceptions.ConnectTimeoutError)):
            return self.silent(doing)
        if isinstance(error, broken_connections()):
            return BucketUnreachable(*place, self._scrubbed(_cause(error)))
        return BucketFailed(*place, self._scrubbed(str(error)))

    def _reason(self, answer: Mapping[str, Any]) -> str:
        return self._scrubbed(": ".join(str(answer[key]) for key in ("Code", "Message") if answer.get(key)))


def is_answer(error: Exception, *codes: str) -> bool:
    """Return whether an error of boto3 is an answer with one of these codes."""
    response = getattr(error, "response", None)
    return isinstance(response, dict) and response.get("Error", {}).get("Code") in codes


def broken_connections() -> tuple[type[Exception], ...]:
    """Return the errors after which reading may go on over a new connection."""
    from botocore import exceptions

    return (exceptions.HTTPClientError, exceptions.ConnectionError, exceptions.IncompleteReadError)


def _foreign() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def _is_busy(status: int) -> bool:
    """Return whether a status is of a store that is too busy, or has failed for now."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return status != HTTPStatus.NOT_IMPLEMENTED
    return status == HTTPStatus.TOO_MANY_REQUESTS


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _login_errors() -> tuple[type[Exception], ...]:
    """Return the errors of credentials that are missing or cannot be had, as far as this boto3 has them."""
    from botocore import exceptions

    return tuple(getattr(exceptions, name) for name in _LOGIN_ERRORS if hasattr(exceptions, name))


def _cause(error: Any) -> str:
    """Return the operating system's words, without the address, which is said elsewhere."""
    inner = error.kwargs.get("error") or error
    return str(inner).rpartition(">: ")[2] or type(inner).__name__
