"""Makes a client of azure-storage-blob from a bucket's settings."""

from __future__ import annotations

import logging
import random
import threading
import time
from http import HTTPStatus
from itertools import count
from typing import Any

from dvt.buckets.azure.settings import AzureSettings
from dvt.core.errors import BucketLibraryMissing

PIECE = 8 * 2**20
"""Bytes of a block that is put, and of a range that is got without a checksum of its own."""
_CHECKED_PIECE = 4 * 2**20
"""Bytes of a range that is got with a checksum of its own: a limit of the store."""
_ATTEMPTS = 8
"""Times that a request is sent before its failure counts."""
_LONGEST_WAIT = 8.0
"""Seconds before a request is sent again, at most."""
_SHARE_OF_TIMEOUT = 1 / 2
"""Part of `timeout` that one attempt may be silent, and after which none is begun: so all are within it."""


class Patience(threading.local):
    """When each thread's present question to the store began."""

    began: float = 0.0

    def begin(self) -> None:
        """Begin a question."""
        self.began = time.monotonic()

    def is_over(self, seconds: float) -> bool:
        """Return whether the question began so long ago."""
        return time.monotonic() - self.began >= seconds


def make_client(name: str, settings: AzureSettings, patience: Patience) -> Any:
    """Return a client for the bucket's container; its methods raise the library's errors."""
    try:
        from azure.storage.blob import BlobServiceClient
    except ImportError as error:
        raise BucketLibraryMissing("Azure", name, "azure-storage-blob", "azure") from error
    silence = settings.timeout * _SHARE_OF_TIMEOUT
    service = BlobServiceClient(
        settings.account_url,
        credential=settings.credential() or _of_this_machine(name),
        retry_policy=_retries(patience, silence),
        connection_timeout=silence,
        read_timeout=silence,
        connection_verify=settings.verify,
        max_single_get_size=PIECE,
        max_chunk_get_size=_CHECKED_PIECE,
        max_single_put_size=2 * PIECE,
        user_agent="dvt",
    )
    return service.get_container_client(settings.container)


def _of_this_machine(name: str) -> Any:
    """Return the credentials of the environment, a managed identity or `az login`."""
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise BucketLibraryMissing("Azure", name, "azure-identity", "azure") from error
    logging.getLogger("azure.identity").setLevel(logging.ERROR)  # what it warns of becomes an error
    return DefaultAzureCredential()


def _retries(patience: Patience, silence: float) -> Any:
    """Return when a request is sent again: with pauses that grow and are never the same, up to a deadline."""
    from azure.core.exceptions import ClientAuthenticationError, ServiceResponseTimeoutError
    from azure.storage.blob import ExponentialRetry

    class Retries(ExponentialRetry):
        def send(self, request: Any) -> Any:
            if patience.is_over(silence):  # the library asks again by itself where an answer broke off
                raise ServiceResponseTimeoutError("no time is left to ask again")
            for tries in count(1):
                answer = super().send(request)  # type: ignore[no-untyped-call]
                # After all other statuses that pass, the library itself asks again.
                is_throttled = answer.http_response.status_code == HTTPStatus.TOO_MANY_REQUESTS
                if not is_throttled or tries == _ATTEMPTS or patience.is_over(silence):
                    break
                request.context.transport.sleep(self.get_backoff_time({"count": tries}))
            return answer

        def increment(self, settings: dict[str, Any], *args: Any, **kwargs: Any) -> bool:
            if isinstance(kwargs.get("error"), ClientAuthenticationError):
                return False  # this machine has no credentials
            return bool(super().increment(settings, *args, **kwargs)) and not patience.is_over(silence)

        def get_backoff_time(self, settings: dict[str, Any]) -> float:
            longest = min(0.2 * 2.0 ** int(settings["count"]), _LONGEST_WAIT)
            return random.uniform(0.5, 1) * longest  # noqa: S311  no secret

    more = _ATTEMPTS - 1
    return Retries(retry_total=more, retry_connect=more, retry_read=more, retry_status=more)
