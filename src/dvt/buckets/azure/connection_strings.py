"""Reads Azure's connection strings, as its portal shows them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, repr=False)
class ConnectionString:
    """What a connection string says of an account's blob store; empty is what it does not say."""

    account: str = ""
    key: str = ""
    signature: str = ""
    """A shared access signature."""
    endpoint: str = ""
    """The URL of the blob store."""

    @classmethod
    def parse(cls, text: str) -> ConnectionString:
        """Return the parts of a connection string."""
        pairs = (part.partition("=") for part in text.split(";"))
        parts = {name.strip().lower(): value.strip() for name, _, value in pairs if value}
        account = parts.get("accountname", "")
        scheme = parts.get("defaultendpointsprotocol", "https")
        suffix = parts.get("endpointsuffix", "core.windows.net")
        own = f"{scheme}://{account}.blob.{suffix}" if account else ""
        endpoint = parts.get("blobendpoint", own).rstrip("/")
        return cls(
            account=account or _account_in(endpoint),
            key=parts.get("accountkey", ""),
            signature=parts.get("sharedaccesssignature", "").removeprefix("?"),
            endpoint=endpoint,
        )


def has_accounts_in_paths(endpoint: str) -> bool:
    """Return whether a store's paths begin with the account's name, since its host has none: an emulator."""
    host = urlsplit(endpoint).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return True


def _account_in(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    if has_accounts_in_paths(endpoint):
        return parts.path.strip("/")
    host = parts.hostname or ""
    return host.partition(".")[0] if ".blob." in host else ""
