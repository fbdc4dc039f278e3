"""The keys of an entry of `type: spark` in computes.yml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from dvt.core.ports.engines import EngineSettings
from dvt.core.ports.staging import Secret
from dvt.engines.spark.masters import Master

_OWN = re.compile(
    r"spark\.(master|app\.name|local\.dir|ui\..*|submit\..*)"
    r"|spark\.sql\.(ansi\..*|session\..*|catalogImplementation|warehouse\.dir|caseSensitive|legacy\..*"
    r"|timestampType|adaptive\.enabled|variable\.substitute|parquet\..*|storeAssignmentPolicy|extensions"
    r"|optimizer\.excludedRules|sources\..*|codegen\..*)"
)
"""Matches keys that dvt sets, or on which an answer depends."""
_REMOTE = re.compile(r"sc://(\[[0-9a-fA-F:]+\]|[^\s:,/@\[\]]+):\d+(/?|/(;(?!token=)\w+=[^;=\s]+)+)")
"""Matches a server of Spark Connect, without a token."""
_ANSWERS_DEPEND = re.compile(
    r"spark\.sql\.(ansi\..*|session\..*|caseSensitive|legacy\..*|timestampType|storeAssignmentPolicy"
    r"|optimizer\.excludedRules|mapKeyDedupPolicy|parquet\.(?!compression\.codec$).*)"
)
"""Matches settings of a server on which answers depend."""
COORDINATES = re.compile(r"[^:/\s,]+:[^:/\s,]+:[^:/\s,]+")
"""Matches what Maven calls a jar by."""
_OWN_WHEN_LOCAL = re.compile(r"spark\.driver\.(host|bindAddress)")
"""Matches keys that dvt sets where no other machine has to reach this one."""


class SparkSettings(EngineSettings):
    """Spark, whose driver is a Java process of this machine that dvt starts and ends; or a server of it."""

    master: str = "local[*]"
    """Where Spark computes: `local[*]`, on all cores of this machine, or on that many, such as `local[2]`; or
    on a cluster, such as `spark://host:7077`."""
    remote: str | None = None
    """A server of Spark Connect instead of a `master`: `sc://host:15002`, `sc://host:443/;use_ssl=true`."""
    token: Secret = None
    """What the server asks for, if it does."""
    version: str | None = None
    """Version of PySpark that has to be installed, such as `4.1`; any that dvt knows when left out."""
    wait_for_workers: Annotated[float, Field(gt=0, strict=False)] = 120.0
    """Seconds without any worker of a cluster after which a query fails."""
    jars: list[str] = Field(default_factory=list)
    """Jars for Spark and its workers: files, URLs, or what Maven calls them by, such as
    `org.apache.hadoop:hadoop-aws:3.4.2`."""
    config: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Spark's own settings, such as `spark.driver.memory: 4g`."""

    @field_validator("master")
    @classmethod
    def _is_known(cls, value: str) -> str:
        return Master.parse(value).text

    @field_validator("remote")
    @classmethod
    def _is_a_server(cls, value: str | None) -> str | None:
        if value is not None and not _REMOTE.fullmatch(value):
            msg = "should be sc://host:15002, or sc://host:443/;use_ssl=true; a token is a key of its own"
            raise ValueError(msg)
        return value

    @field_validator("jars")
    @classmethod
    def _are_there(cls, value: list[str], info: ValidationInfo) -> list[str]:
        jars = [_jar(jar, (info.context or {}).get("folder")) for jar in value]
        for jar in jars:
            if "," in jar or not (COORDINATES.fullmatch(jar) or "://" in jar or Path(jar).is_file()):
                msg = f"{jar} is no file; coordinates of Maven are written group:artifact:version"
                raise ValueError(msg)
        return jars

    @field_validator("config")
    @classmethod
    def _is_free(
        cls, value: dict[str, str | int | float | bool], info: ValidationInfo
    ) -> dict[str, str | int | float | bool]:
        for key in value:
            if not key.startswith("spark."):
                msg = f"{key} is no setting of Spark: their names begin with spark."
                raise ValueError(msg)
            is_local = "master" in info.data and Master(info.data["master"]).is_local
            if _OWN.fullmatch(key) or (is_local and _OWN_WHEN_LOCAL.fullmatch(key)):
                msg = f"{key} is set by dvt, so that answers do not depend on it"
                raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if self.remote is None:
            if self.token is not None:
                msg = "token belongs to a server of Spark Connect, which `remote` names"
                raise ValueError(msg)
            return self
        if self.model_fields_set & {"master", "jars", "wait_for_workers"}:
            msg = "master, jars and wait_for_workers are the server's own: leave them out beside `remote`"
            raise ValueError(msg)
        foreign = [key for key in self.config if not key.startswith("spark.sql.")]
        if foreign:
            msg = f"{foreign[0]} is the server's own: a client can set what begins with spark.sql."
            raise ValueError(msg)
        return self

    @property
    def server(self) -> tuple[str, int]:
        """Host and port of the server of Spark Connect."""
        parts = urlsplit(self.remote or "")
        return parts.hostname or "", parts.port or 0

    @property
    def url(self) -> str:
        """The server's URL as PySpark takes it, with the token: no text shows it."""
        remote = self.remote or ""
        if self.token is None:
            return remote
        separator = ";" if "/;" in remote else "/;"
        return f"{remote.rstrip('/')}{separator}token={quote(self.token, safe='')}"

    @property
    def is_private(self) -> bool:
        """True if nobody between this process and the server can read what is sent."""
        return (
            self.server[0] in ("localhost", "127.0.0.1", "::1")
            or "use_ssl=true" in (self.remote or "").lower()
        )

    @property
    def at(self) -> Master:
        """Where Spark computes."""
        return Master(self.master)

    @property
    def spark_config(self) -> dict[str, str]:
        """`config` as Spark spells its values."""
        return {
            key: str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in self.config.items()
        }


def depends_on(key: str) -> bool:
    """Return whether answers depend on a setting of Spark."""
    return _ANSWERS_DEPEND.fullmatch(key) is not None


def _jar(jar: str, folder: Path | None) -> str:
    """Return a jar; relative paths start at the folder of computes.yml."""
    if COORDINATES.fullmatch(jar) or "://" in jar:
        return jar
    path = Path(jar).expanduser()
    return str(folder / path if folder else path)
