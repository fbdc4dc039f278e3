"""The keys of an entry of `type: s3` in buckets.yml."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import AliasChoices, Field, model_validator

from dvt.core.ports.staging import HttpSettings, Secret


class S3Settings(HttpSettings):
    """A bucket of S3. Without credentials boto3 looks for those of this machine."""

    bucket: str
    region: str | None = None
    access_key_id: str | None = Field(
        default=None, validation_alias=AliasChoices("access_key_id", "aws_access_key_id")
    )
    secret_access_key: Secret = Field(
        default=None, validation_alias=AliasChoices("secret_access_key", "aws_secret_access_key")
    )
    session_token: Secret = Field(
        default=None, validation_alias=AliasChoices("session_token", "aws_session_token")
    )
    profile: str | None = Field(default=None, validation_alias=AliasChoices("profile", "aws_profile"))
    """A profile of ~/.aws/config and ~/.aws/credentials."""
    role_arn: str | None = None
    """A role that is assumed with these credentials."""
    url_style: Literal["auto", "path", "virtual"] = "auto"
    """Where the bucket's name is in URLs. `auto`: in the path if there is an `endpoint`, else in the host."""

    @model_validator(mode="after")
    def _keys_are_whole(self) -> Self:
        if bool(self.access_key_id) != bool(self.secret_access_key):
            msg = "access_key_id and secret_access_key belong together: give both, or none"
            raise ValueError(msg)
        if self.session_token and not self.access_key_id:
            msg = "session_token belongs to an access_key_id and a secret_access_key"
            raise ValueError(msg)
        if self.access_key_id and self.profile:
            msg = "access_key_id and profile are two sources of credentials: give one of them"
            raise ValueError(msg)
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no text may show."""
        return tuple(filter(None, (self.secret_access_key, self.session_token)))

    def client_options(self) -> dict[str, Any]:
        """Return the arguments of a client of boto3 that are not its credentials."""
        return {"endpoint_url": self.endpoint, "verify": None if self.verify is True else self.verify}
