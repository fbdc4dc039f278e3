"""The settings with which Hadoop's S3A reaches a bucket."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from dvt.buckets.s3.settings import S3Settings
from dvt.core.ports.staging import HadoopAccess

_OF_THE_MACHINE = frozenset({"iam-role", "container-role"})
"""Where boto3 finds credentials that belong to a machine, not to who uses it: a worker has its own."""
_PROVIDERS = "org.apache.hadoop.fs.s3a."
FILE_SYSTEM = f"{_PROVIDERS}S3AFileSystem"
ARTIFACT = "org.apache.hadoop:hadoop-aws:{hadoop}"


def access(settings: S3Settings, credentials: Any) -> HadoopAccess:
    """Return how S3A reaches a bucket; `credentials` are those that boto3 uses here, if any."""
    if settings.verify is not True:
        problem = "`verify` names certificates or trusts any, and Java trusts those in its own store"
        return HadoopAccess(problem=problem)
    options = {**_login(credentials), **_place(settings)}
    return HadoopAccess(
        settings={f"fs.s3a.bucket.{settings.bucket}.{key}": value for key, value in options.items()},
        file_system=FILE_SYSTEM,
        artifact=ARTIFACT,
    )


def _login(credentials: Any) -> dict[str, str]:
    if credentials is None or credentials.method in _OF_THE_MACHINE:
        return {}
    keys = credentials.get_frozen_credentials()
    if not keys.token:
        provider = "SimpleAWSCredentialsProvider"
        more = {}
    else:
        provider = "TemporaryAWSCredentialsProvider"
        more = {"session.token": keys.token}
    return {
        "access.key": keys.access_key,
        "secret.key": keys.secret_key,
        "aws.credentials.provider": f"{_PROVIDERS}{provider}",
        **more,
    }


def _place(settings: S3Settings) -> dict[str, str]:
    is_in_path = settings.url_style == "path" or (settings.url_style == "auto" and settings.endpoint)
    options = {"path.style.access": "true" if is_in_path else "false"}
    if settings.endpoint:
        is_open = urlsplit(settings.endpoint).scheme == "http"
        options |= {"endpoint": settings.endpoint, "connection.ssl.enabled": "false" if is_open else "true"}
    if settings.endpoint or settings.region:
        options["endpoint.region"] = settings.region or "us-east-1"
    return options
