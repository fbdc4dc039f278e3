"""Makes a client of boto3 from a bucket's settings."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from dvt.buckets.s3.settings import S3Settings
from dvt.core.errors import BucketLibraryMissing

_ATTEMPTS = 8
"""Times that a request is sent before its failure counts, with pauses of half a minute in all."""
_ATTEMPTS_IN_SILENCE = 2
"""The same for a request to which not a byte of an answer comes."""
_SHARE_OF_TIMEOUT = 1 / 3
"""Part of `timeout` that one attempt may be silent: so two, and what was before them, are within it."""
_CONNECTIONS = 32
"""Connections that are kept open, at most."""


def make_client(name: str, settings: S3Settings) -> Any:
    """Return a client for the bucket's store; its methods raise boto3's errors."""
    session = _session(name, settings)
    region = session.region_name or "us-east-1"
    client = session.client("s3", region_name=region, config=_config(settings), **settings.client_options())
    client.meta.events.register_first("needs-retry.s3", _give_up_in_silence)
    client.meta.events.register("before-call.s3.DeleteObjects", _add_md5)
    return client


def find_credentials(name: str, settings: S3Settings) -> Any:
    """Return boto3's credentials for the bucket; None if there are none."""
    return _session(name, settings).get_credentials()


def _session(name: str, settings: S3Settings) -> Any:
    try:
        import boto3
    except ImportError as error:
        raise BucketLibraryMissing("S3", name, "boto3", "s3") from error
    session = boto3.session.Session(
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key,
        aws_session_token=settings.session_token,
        profile_name=settings.profile,
        region_name=settings.region,
    )
    if settings.role_arn:
        _assume_role(session, settings)
    return session


def _config(settings: S3Settings) -> Any:
    """Return the configuration.

    Checksums are given with each request, as headers that any store takes or ignores. What boto3 would do by
    itself, a checksum behind the content, is refused by many stores other than Amazon's.
    """
    from botocore.config import Config

    silence = settings.timeout * _SHARE_OF_TIMEOUT
    return Config(
        connect_timeout=silence,
        read_timeout=silence,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": settings.url_style},
        user_agent_extra="dvt",
    )


def _assume_role(session: Any, settings: S3Settings) -> None:
    """Have the session's own credentials replaced by those of a role, which are renewed when they expire."""
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    def sts(service: str, **arguments: Any) -> Any:
        options = {"region_name": session.region_name or "us-east-1", **settings.client_options()}
        return session._session.create_client(service, **(arguments | options))  # noqa: SLF001

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=sts,
        source_credentials=session.get_credentials(),
        role_arn=settings.role_arn,
        extra_args={"RoleSessionName": "dvt"},
    )
    session._session._credentials = DeferredRefreshableCredentials(  # noqa: SLF001  it has no public way
        method="assume-role", refresh_using=fetcher.fetch_credentials
    )


def _give_up_in_silence(*, attempts: int, caught_exception: Exception | None = None, **_request: Any) -> None:
    """Raise the error of a silent store, which boto3 would try as often as one that answers."""
    from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

    if (
        isinstance(caught_exception, (ConnectTimeoutError, ReadTimeoutError))
        and attempts >= _ATTEMPTS_IN_SILENCE
    ):
        raise caught_exception


def _add_md5(params: dict[str, Any], **_request: Any) -> None:
    """Give a request the older of its two checksums, too, which some stores ask for."""
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()
