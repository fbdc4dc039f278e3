"""The keys of an entry of `type: hdfs` in buckets.yml."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from dvt.core.ports.staging import RemoteSettings

_UMASK = "fs.permissions.umask-mode"
"""Hadoop's setting of the permissions that new files and folders do not have."""


class HDFSSettings(RemoteSettings):
    """A folder of HDFS. Hadoop's own files are read, too, where HADOOP_CONF_DIR or HADOOP_HOME is set."""

    path: str
    """`hdfs://namenode:port/folder`, or `hdfs://nameservice/folder` of a name service in `config`."""
    user: str | None = None
    """Whom the name node takes dvt for, where it does not ask for proof; HADOOP_USER_NAME if left out."""
    config: dict[str, str | int | bool] = Field(default_factory=dict)
    """Hadoop's settings by their names."""

    @field_validator("path")
    @classmethod
    def _is_a_folder(cls, value: str) -> str:
        parts = urlsplit(value)
        names = parts.path.strip("/").split("/")
        if parts.scheme != "hdfs" or not parts.netloc or not parts.path.strip("/") or "@" in parts.netloc:
            msg = "should be a folder such as hdfs://namenode:8020/user/dvt/staging"
            raise ValueError(msg)
        if {"", ".", ".."} & set(names) or ":" in parts.path or parts.query or parts.fragment:
            msg = "names a folder that HDFS cannot have"
            raise ValueError(msg)
        return value.rstrip("/")

    @field_validator("config")
    @classmethod
    def _has_an_octal_umask(cls, value: dict[str, str | int | bool]) -> dict[str, str | int | bool]:
        try:
            int(str(value.get(_UMASK, "0")), 8)
        except ValueError:
            msg = f"{_UMASK} should be octal digits such as 027"
            raise ValueError(msg) from None
        return value

    @property
    def name_node(self) -> str:
        """The URL without the folder."""
        return f"hdfs://{urlsplit(self.path).netloc}"

    @property
    def folder(self) -> str:
        """The folder with the prefix, from the root on."""
        return "/".join(["", *filter(None, (urlsplit(self.path).path.strip("/"), self.prefix.strip("/")))])

    @property
    def hadoop(self) -> dict[str, str]:
        """The settings in `config` as Hadoop writes them."""
        return {
            key: str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in self.config.items()
        }

    @property
    def umask(self) -> int:
        """Permissions that new files and folders do not have: without a setting, all but their owner's."""
        return int(str(self.config.get(_UMASK, "077")), 8)
