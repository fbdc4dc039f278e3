"""The keys of an entry of `type: gcs` in buckets.yml."""

from __future__ import annotations

import json
from typing import Annotated, Any, Self

from pydantic import AliasChoices, Field, field_validator, model_validator

from dvt.core.ports.staging import FilePath, HttpSettings


class GCSSettings(HttpSettings):
    """A bucket of Google Cloud Storage. Without credentials those of this machine are looked for."""

    bucket: str
    project: str | None = None
    credentials_path: FilePath | None = Field(
        default=None, validation_alias=AliasChoices("credentials_path", "keyfile")
    )
    """A file of credentials, such as a service account's key."""
    credentials_json: Annotated[dict[str, Any] | None, Field(repr=False)] = Field(
        default=None, validation_alias=AliasChoices("credentials_json", "keyfile_json")
    )
    """What such a file holds: as a text, or as keys."""
    anonymous: bool = False
    """No credentials at all, for emulators and public buckets."""

    @field_validator("credentials_json", mode="before")
    @classmethod
    def _parsed(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            msg = "should be the JSON text of a key file"
            raise ValueError(msg) from None  # the parser's own words quote the text

    @model_validator(mode="after")
    def _credentials_are_one(self) -> Self:
        given = [self.credentials_path, self.credentials_json, self.anonymous]
        if sum(bool(way) for way in given) > 1:
            msg = "credentials_path, credentials_json and anonymous exclude each other: give one of them"
            raise ValueError(msg)
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no text may show."""
        keys = ("private_key", "client_secret", "refresh_token")
        return tuple(str(value) for key, value in (self.credentials_json or {}).items() if key in keys)
