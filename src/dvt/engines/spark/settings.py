"""The keys of an entry of `type: spark` in computes.yml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from dvt.core.ports.engines import EngineSettings
from dvt.engines.spark.masters import Master

_OWN = re.compile(
    r"spark\.(master|app\.name|local\.dir|ui\..*|submit\..*)"
    r"|spark\.sql\.(ansi\..*|session\..*|catalogImplementation|warehouse\.dir|caseSensitive|legacy\..*"
    r"|timestampType|adaptive\.enabled|variable\.substitute|parquet\..*|storeAssignmentPolicy|extensions"
    r"|optimizer\.excludedRules|sources\..*|codegen\..*)"
)
"""Matches keys that dvt sets, or on which an answer depends."""
_COORDINATES = re.compile(r"[^:/\s,]+:[^:/\s,]+:[^:/\s,]+")
"""Matches what Maven calls a jar by."""
_OWN_WHEN_LOCAL = re.compile(r"spark\.driver\.(host|bindAddress)")
"""Matches keys that dvt sets where no other machine has to reach this one."""


class SparkSettings(EngineSettings):
    """Spark, whose driver is a Java process of this machine that dvt starts and ends."""

    master: str = "local[*]"
    """Where Spark computes: `local[*]`, on all cores of this machine, or on that many, such as `local[2]`; or
    on a cluster, such as `spark://host:7077`."""
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

    @field_validator("jars")
    @classmethod
    def _are_there(cls, value: list[str], info: ValidationInfo) -> list[str]:
        jars = [_jar(jar, (info.context or {}).get("folder")) for jar in value]
        for jar in jars:
            if "," in jar or not (_COORDINATES.fullmatch(jar) or "://" in jar or Path(jar).is_file()):
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

    @property
    def at(self) -> Master:
        """Where Spark computes."""
        return Master(self.master)

    @property
    def spark_config(self) -> dict[str, str]:
        """The settings as Spark spells them, with the jars."""
        spelled = {key: _spelled(value) for key, value in self.config.items()}
        for key, are_coordinates in (("spark.jars.packages", True), ("spark.jars", False)):
            jars = [jar for jar in self.jars if bool(_COORDINATES.fullmatch(jar)) is are_coordinates]
            given = [spelled[key]] if key in spelled else []
            if jars:
                spelled[key] = ",".join([*given, *jars])
        return spelled


def _jar(jar: str, folder: Path | None) -> str:
    """Return a jar; relative paths start at the folder of computes.yml."""
    if _COORDINATES.fullmatch(jar) or "://" in jar:
        return jar
    path = Path(jar).expanduser()
    return str(folder / path if folder else path)


def _spelled(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
