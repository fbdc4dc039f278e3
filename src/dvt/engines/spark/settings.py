"""The keys of an entry of `type: spark` in computes.yml."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from dvt.core.ports.engines import EngineSettings

_LOCAL = re.compile(r"local(\[(\*|\d+)\])?")
"""Matches a master that is the driver's own process."""
_OWN = re.compile(
    r"spark\.(master|app\.name|driver\.(host|bindAddress)|local\.dir|ui\..*|submit\..*)"
    r"|spark\.sql\.(ansi\..*|session\..*|catalogImplementation|warehouse\.dir|caseSensitive|legacy\..*"
    r"|timestampType|adaptive\.enabled|variable\.substitute|parquet\..*|storeAssignmentPolicy|extensions"
    r"|optimizer\.excludedRules|sources\..*|codegen\..*)"
)
"""Matches keys that dvt sets, or on which an answer depends."""


class SparkSettings(EngineSettings):
    """Spark, in a Java process that dvt starts and ends."""

    master: str = "local[*]"
    """Where Spark computes: `local[*]`, on all cores of this machine, or on that many, such as `local[2]`."""
    version: str | None = None
    """Version of PySpark that has to be installed, such as `4.1`; any that dvt knows when left out."""
    config: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Spark's own settings, such as `spark.driver.memory: 4g`."""

    @field_validator("master")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if not _LOCAL.fullmatch(value):
            msg = (
                "this version of dvt runs Spark on this machine alone; write local[*], or a number of cores"
                " such as local[2]"
            )
            raise ValueError(msg)
        return value

    @field_validator("config")
    @classmethod
    def _is_free(cls, value: dict[str, str | int | float | bool]) -> dict[str, str | int | float | bool]:
        for key in value:
            if not key.startswith("spark."):
                msg = f"{key} is no setting of Spark: their names begin with spark."
                raise ValueError(msg)
            if _OWN.fullmatch(key):
                msg = f"{key} is set by dvt, so that answers do not depend on it"
                raise ValueError(msg)
        return value

    @property
    def spark_config(self) -> dict[str, str]:
        """The settings as Spark spells them."""
        return {key: _spelled(value) for key, value in self.config.items()}


def _spelled(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
