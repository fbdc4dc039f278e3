"""The settings with which Hadoop's ABFS reaches a container."""

from __future__ import annotations

from urllib.parse import urlsplit

from dvt.buckets.azure.connection_strings import has_accounts_in_paths
from dvt.buckets.azure.settings import AzureSettings
from dvt.core.ports.staging import HadoopAccess

_ADLS = "org.apache.hadoop.fs.azurebfs"
ARTIFACT = "org.apache.hadoop:hadoop-azure:{hadoop}"


def address(settings: AzureSettings, name: str) -> str:
    """Return the URL of a blob; without TLS only where the store has none."""
    scheme = "abfs" if urlsplit(settings.account_url).scheme == "http" else "abfss"
    return f"{scheme}://{settings.container}@{_host(settings)}/{name}"


def access(settings: AzureSettings) -> HadoopAccess:
    """Return how ABFS reaches a container."""
    if settings.verify is not True:
        problem = "`verify` names certificates or trusts any, and Java trusts those in its own store"
        return HadoopAccess(problem=problem)
    credential = settings.credential()
    if credential is None:
        problem = (
            "credentials of this machine cannot be passed on; give account_key or sas_token in buckets.yml"
        )
        return HadoopAccess(problem=problem)
    host = _host(settings)
    if isinstance(credential, str):
        login = {
            f"fs.azure.account.auth.type.{host}": "SAS",
            f"fs.azure.sas.fixed.token.{host}": credential,
        }
    else:
        login = {f"fs.azure.account.key.{host}": credential["account_key"]}
    secure = urlsplit(settings.account_url).scheme == "https"
    return HadoopAccess(
        settings={**login, **_emulated(settings, host)},
        file_system=f"{_ADLS}.{'SecureAzureBlobFileSystem' if secure else 'AzureBlobFileSystem'}",
        artifact=ARTIFACT,
    )


def is_emulated(settings: AzureSettings) -> bool:
    """Return whether the store is an emulator, which has the account's name in paths."""
    return has_accounts_in_paths(settings.account_url)


def _host(settings: AzureSettings) -> str:
    """Return the name of the account's host, which ABFS asks to be Azure's."""
    url = urlsplit(settings.account_url)
    if is_emulated(settings):
        return f"{settings.storage_account}.dfs.core.windows.net"
    return (url.hostname or "").replace(".blob.", ".dfs.", 1)


def _emulated(settings: AzureSettings, host: str) -> dict[str, str]:
    """Return what an emulator needs, which speaks the older protocol, that of blobs."""
    if not is_emulated(settings):
        return {}
    url = urlsplit(settings.account_url)
    return {
        "fs.azure.abfs.endpoint": url.netloc,
        "fs.azure.fns.account.service.type": "BLOB",
        "fs.azure.ingress.service.type": "BLOB",
        f"fs.azure.account.hns.enabled.{host}": "false",
        "fs.azure.account.hns.enabled": "false",
        "fs.azure.always.use.https": "true" if url.scheme == "https" else "false",
    }
