"""Makes a client of Google's library from a bucket's settings."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dvt.buckets.gcs.errors import is_distrust
from dvt.buckets.gcs.settings import GCSSettings
from dvt.core.errors import BucketLibraryMissing

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
"""What credentials are asked for."""
_SHARE_OF_TIMEOUT = 1 / 3
"""Part of `timeout` that one attempt may be silent; for twice that no more attempts are begun."""


@dataclass(frozen=True, slots=True)
class Access:
    """A client, and what its methods are to be given."""

    client: Any
    options: dict[str, Any]
    """The arguments `timeout` and `retry` of each method."""


def make_access(name: str, settings: GCSSettings) -> Access:
    """Return a client for the bucket's store; its methods raise the library's errors."""
    try:
        from google.api_core.client_info import ClientInfo
        from google.cloud import storage
        from google.cloud.storage.retry import DEFAULT_RETRY
    except ImportError as error:
        raise BucketLibraryMissing("GCS", name, "google-cloud-storage", "gcs") from error
    client = storage.Client(
        project=settings.project,
        credentials=_credentials(settings),
        client_info=ClientInfo(user_agent="dvt"),
        client_options={"api_endpoint": settings.endpoint} if settings.endpoint else None,
    )
    client._bucket_metadata_cache = None  # noqa: SLF001  it asks for what only traces need, in a thread
    if settings.verify is not True:
        # An argument: an environment variable would come before an attribute.
        client._http.request = partial(client._http.request, verify=settings.verify)  # noqa: SLF001
    silence = settings.timeout * _SHARE_OF_TIMEOUT
    retry = DEFAULT_RETRY.with_delay(initial=0.5, maximum=20, multiplier=2).with_timeout(2 * silence)
    may_pass = retry._predicate  # noqa: SLF001  what the library takes for an error that may pass
    retry = retry.with_predicate(lambda error: may_pass(error) and not is_distrust(error))
    return Access(client, {"timeout": (silence, silence), "retry": retry})


def _credentials(settings: GCSSettings) -> Any:
    """Return the credentials that the settings have; None for those of this machine."""
    if settings.anonymous:
        from google.auth.credentials import AnonymousCredentials

        return AnonymousCredentials()
    if settings.credentials_path:
        return _loaded(_read(Path(settings.credentials_path)))
    return _loaded(settings.credentials_json) if settings.credentials_json else None


def _read(file: Path) -> dict[str, Any]:
    from google.auth.exceptions import DefaultCredentialsError

    try:
        info: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{file} cannot be read as a file of credentials"
        raise DefaultCredentialsError(msg) from error
    return info


def _loaded(info: dict[str, Any]) -> Any:
    import google.auth
    from google.oauth2 import service_account

    if info.get("type") == "service_account":
        return service_account.Credentials.from_service_account_info(info, scopes=[_SCOPE])
    with warnings.catch_warnings():  # against files of strangers, but this one is of who runs dvt
        warnings.simplefilter("ignore", DeprecationWarning)
        return google.auth.load_credentials_from_dict(info, scopes=[_SCOPE])[0]
