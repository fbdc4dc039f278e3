"""The keys of an entry of `type: azure` in buckets.yml."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, WithJsonSchema, field_validator, model_validator

from dvt.buckets.azure.connection_strings import ConnectionString, has_accounts_in_paths
from dvt.core.ports.staging import HttpSettings, Secret

_WAYS_IN = ("account_key", "sas_token", "connection_string")
"""Keys that each hold credentials; without any, those of this machine are used."""
_ACCOUNT = ("storage_account", "account_name")


def _check(pattern: str, rule: str) -> AfterValidator:
    """Return what checks a name; `rule` says the pattern to people."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            msg = f"does not match what Azure allows: {rule}"
            raise ValueError(msg)
        return value

    return AfterValidator(check)


_ACCOUNTS = "[a-z0-9]{3,24}"
_CONTAINERS = r"(\$root|\$web|[a-z0-9](-?[a-z0-9]){2,62})"

AccountName = Annotated[
    str,
    _check(_ACCOUNTS, "3 to 24 lower-case letters and digits"),
    WithJsonSchema({"type": "string", "pattern": f"^{_ACCOUNTS}$"}),
]
ContainerName = Annotated[
    str,
    _check(_CONTAINERS, "3 to 63 lower-case letters, digits and single hyphens between them"),
    WithJsonSchema({"type": "string", "pattern": f"^{_CONTAINERS}$"}),
]


class AzureSettings(HttpSettings):
    """A container of a storage account. Without credentials those of this machine are looked for."""

    storage_account: AccountName = Field(validation_alias=AliasChoices(*_ACCOUNT))
    """The account's name; a connection string may have it."""
    container: ContainerName
    account_key: Secret = None
    """One of the account's keys, in base64."""
    sas_token: Secret = None
    """A shared access signature of the account or of the container."""
    connection_string: Secret = None

    @model_validator(mode="before")
    @classmethod
    def _names_account(cls, keys: Any) -> Any:
        """Take the account's name from the connection string, where no key has it."""
        if isinstance(keys, Mapping) and not keys.keys() & set(_ACCOUNT):
            text = keys.get("connection_string")
            account = ConnectionString.parse(text).account if isinstance(text, str) else ""
            return {**keys, **({"storage_account": account} if account else {})}
        return keys

    @field_validator("account_key")
    @classmethod
    def _is_base64(cls, value: str | None) -> str | None:
        try:
            base64.b64decode(value or "", validate=True)
        except (binascii.Error, ValueError):
            msg = "should be the account's key in base64, as the portal shows it"
            raise ValueError(msg) from None
        return value

    @field_validator("sas_token")
    @classmethod
    def _without_mark(cls, value: str | None) -> str | None:
        return value and value.removeprefix("?")

    @field_validator("connection_string")
    @classmethod
    def _has_credentials(cls, value: str | None) -> str | None:
        said = ConnectionString.parse(value or "")
        if value and not (said.key or said.signature):
            msg = "should have an AccountKey or a SharedAccessSignature"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _is_one_login(self) -> Self:
        given = [key for key in _WAYS_IN if getattr(self, key)]
        if len(given) > 1:
            msg = f"{' and '.join(given)} are two sources of credentials: give one of them"
            raise ValueError(msg)
        if self._said.account not in ("", self.storage_account):
            msg = "storage_account and connection_string name two accounts"
            raise ValueError(msg)
        if not given and urlsplit(self.account_url).scheme == "http":
            msg = f"a login by this machine needs an endpoint with https; or give {', '.join(_WAYS_IN)}"
            raise ValueError(msg)
        return self

    @property
    def account_url(self) -> str:
        """The URL of the account's blob store."""
        if not self.endpoint:
            return self._said.endpoint or f"https://{self.storage_account}.blob.core.windows.net"
        is_whole = urlsplit(self.endpoint).path.strip("/") or not has_accounts_in_paths(self.endpoint)
        return self.endpoint if is_whole else f"{self.endpoint}/{self.storage_account}"

    @property
    def other_store(self) -> str | None:
        """The URL of a store that is not Azure's own."""
        return self.endpoint or (None if ".blob.core." in self.account_url else self.account_url)

    def credential(self) -> Any:
        """Return the credentials in the settings, as the library takes them; None if there are none."""
        if key := self.account_key or self._said.key:
            return {"account_name": self.storage_account, "account_key": key}
        return self.sas_token or self._said.signature or None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no text may show."""
        signature = self.sas_token or self._said.signature
        signed = [part.partition("=")[2] for part in signature.split("&") if part.startswith("sig=")]
        given = (self.connection_string, self.account_key or self._said.key, signature, *signed)
        return tuple(filter(None, given))

    @property
    def _said(self) -> ConnectionString:
        return ConnectionString.parse(self.connection_string or "")
