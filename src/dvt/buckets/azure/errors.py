"""Turns the errors of azure-storage-blob into dvt's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from dvt.buckets.azure.client import Patience
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
    "creating": "the permission to create blobs (c in a SAS; the role Storage Blob Data Contributor)",
    "putting": "the permission to write blobs (w in a SAS; the role Storage Blob Data Contributor)",
    "reading": "the permission to read blobs (r in a SAS; the role Storage Blob Data Reader)",
    "listing": "the permission to list blobs (l in the container's SAS; the role Storage Blob Data Reader)",
    "deleting": "the permission to delete blobs (d in a SAS; the role Storage Blob Data Contributor)",
}
"""First word of what was being done → what the store calls the permission for it."""
_LOGIN = frozenset({"AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"})
_LOGIN_HINT = (
    "is the key or SAS of buckets.yml right, has the SAS not expired, and is this machine's clock right?"
)
_NO_LOGIN_HINT = "give account_key, sas_token or connection_string, or log this machine in (az login)"
_ENTRA = re.compile(r"AADSTS\d+: [^\n]*")
"""Matches what Azure's directory of users says of a login that it refuses."""
_DENIED = frozenset(
    {
        "AuthorizationFailure",
        "AuthorizationPermissionMismatch",
        "AuthorizationProtocolMismatch",
        "AuthorizationResourceTypeMismatch",
        "AuthorizationServiceMismatch",
        "AuthorizationSourceIPMismatch",
        "InsufficientAccountPermissions",
        "KeyBasedAuthenticationNotPermitted",
        "PublicAccessNotPermitted",
    }
)
_BUSY = frozenset({"InternalError", "OperationTimedOut", "ServerBusy"})
_DAMAGED = frozenset({"Crc64Mismatch", "InvalidMd5", "Md5Mismatch"})
_MISSING = frozenset({"ContainerBeingDeleted", "ContainerDisabled", "ContainerNotFound"})


class Translator(StoreErrors):
    """Makes dvt's errors of the library's, for one bucket."""

    def __init__(self, bucket: str, where: str, secrets: tuple[str, ...]) -> None:
        super().__init__(bucket, where, secrets)
        self.patience = Patience()

    @contextmanager
    def translating(self, doing: str) -> Iterator[None]:
        """Raise dvt's errors in place of those of the library in the block, which is one question.

        `doing` begins with a word of `_PERMISSIONS`.
        """
        self.patience.begin()
        try:
            yield
        except DvtError:  # the library may be missing: it is not asked for its errors
            raise
        except _foreign() as error:
            # The library's own texts have URLs in them, and so signatures.
            raise self._translated(error, doing) from None

    def answered(self, status: int, code: str, message: str, doing: str) -> DvtError:
        """Return dvt's error for what the store has answered."""
        place, reason = self._place(doing), self._reason(code, message)
        if (
            code in _LOGIN
            or status == HTTPStatus.UNAUTHORIZED
            or (code == "AuthorizationFailure" and "failed to authenticate" in message)
        ):
            return BucketLoginRefused(*place, reason, _LOGIN_HINT)
        if code in _DENIED:
            return BucketRefused(*place, _PERMISSIONS[doing.partition(" ")[0]], reason)
        if code in _MISSING:
            return BucketMissing(*place, reason)
        if code in _DAMAGED or "contentMD5" in message:
            return ObjectDamaged(*place, f"other bytes arrived than were sent ({reason})")
        if code in _BUSY or _is_busy(status):
            return BucketBusy(*place, f"{status} {reason}")
        return BucketFailed(*place, f"{status} {reason}")

    def _translated(self, error: Any, doing: str) -> DvtError:
        from azure.core.exceptions import ClientAuthenticationError

        if refused := _ENTRA.search(str(error)):
            return BucketLoginRefused(*self._place(doing), self._scrubbed(refused[0]))
        if getattr(error, "response", None) is not None and getattr(error, "status_code", None):
            return self.answered(error.status_code, code_of(error), str(error.message), doing)
        if isinstance(error, ClientAuthenticationError):
            reason = "this machine has no credentials for Azure"
            return BucketLoginRefused(*self._place(doing), reason, _NO_LOGIN_HINT)
        if str(error).startswith("MD5 mismatch"):
            return self.damaged(doing, "what arrived has another checksum than what was sent")
        return self._unreachable(error, doing)

    def _unreachable(self, error: Any, doing: str) -> DvtError:
        from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError

        cause = _root(error)
        if isinstance(cause, TimeoutError) or isinstance(
            error, (ServiceRequestTimeoutError, ServiceResponseTimeoutError)
        ):
            return self.silent(doing)
        if type(cause).__module__ == "ssl":
            return self.distrusted(doing, self._scrubbed(str(cause)))
        reason = getattr(cause, "strerror", None) or "the connection broke"
        return BucketUnreachable(*self._place(doing), self._scrubbed(reason))

    def _reason(self, code: str, message: str) -> str:
        return self._scrubbed(": ".join(filter(None, (code, message.partition("\n")[0].strip()))))


def code_of(error: Any) -> str:
    """Return the store's own code for what went wrong, if it gave one."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def _is_busy(status: int) -> bool:
    """Return whether a status is of a store that is too busy, or has failed for now."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return status != HTTPStatus.NOT_IMPLEMENTED
    return status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


def _foreign() -> type[Exception]:
    from azure.core.exceptions import AzureError

    return AzureError


def _root(error: BaseException) -> BaseException:
    """Return the operating system's error below a network library's; the error itself if there is none."""
    inner = [getattr(error, "inner_exception", None), getattr(error, "reason", None)]
    inner += [*error.args, error.__cause__, error.__context__]
    for candidate in inner:
        if isinstance(candidate, BaseException) and candidate is not error:
            root = _root(candidate)
            if isinstance(root, OSError) and type(root).__module__ in ("builtins", "ssl", "socket"):
                return root
    return error
