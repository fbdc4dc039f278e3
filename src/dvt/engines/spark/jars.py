"""The jars of an application: those of computes.yml, and those that `dvt sync` has installed for buckets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from dvt.core.libraries import SPARK, installed_jars, libraries
from dvt.engines.spark.settings import COORDINATES, SparkSettings

JAVA = 17
"""Oldest version of Java that Spark 4 runs on."""
_HADOOP = re.compile(r"hadoop-client-api-(\d[\w.]*)\.jar")
"""Matches the jar of Spark that says which Hadoop it brings."""


def config_with_jars(
    settings: SparkSettings, hadoop_jars: Sequence[str], hadoop: str | None
) -> dict[str, str]:
    """Return `config` of computes.yml with the jars.

    `hadoop_jars` are those of the profile's buckets, and `hadoop` the version that Spark brings.
    """
    spelled = settings.spark_config
    files, packages = _jars(settings, wanted(settings, hadoop_jars, hadoop))
    for key, jars in (("spark.jars.packages", packages), ("spark.jars", files)):
        given = [spelled[key]] if key in spelled else []
        if jars:
            spelled[key] = ",".join([*given, *jars])
    return spelled


def wanted(settings: SparkSettings, hadoop_jars: Sequence[str], hadoop: str | None) -> tuple[str, ...]:
    """Return the jars of buckets that a compute should have besides its own; none where copies do."""
    if settings.remote is not None or settings.at.is_local:
        return ()
    own = " ".join(settings.jars)
    names = {jar: jar.split(":")[1] for jar in hadoop_jars}
    return tuple(jar.format(hadoop=hadoop or "") for jar, name in names.items() if name not in own)


def hadoop_in(spark: Path) -> str | None:
    """Return the version of Hadoop that a Spark brings; None if there is no Spark in the folder."""
    return hadoop_among(jar.name for jar in (spark / "jars").glob("hadoop-client-api-*.jar"))


def hadoop_among(files: Iterable[str]) -> str | None:
    """Return the version of Hadoop that the names of Spark's files tell; None if none does."""
    return next((match[1] for match in map(_HADOOP.fullmatch, files) if match), None)


def own_hadoop() -> str | None:
    """Return the version of Hadoop that the Spark brings which this process would start."""
    import pyspark

    return hadoop_in(Path(os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent))


def _jars(settings: SparkSettings, connectors: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return jars as files and URLs, and as coordinates that Spark is to fetch."""
    packages: list[str] = []
    files: dict[str, str] = {}
    for jar in settings.jars:
        if not COORDINATES.fullmatch(jar):
            files.setdefault(_name(jar), jar)
        elif not _add(files, jar):
            packages.append(jar)
    for jar in connectors:
        _add(files, jar)
    return list(files.values()), packages


def _add(files: dict[str, str], coordinates: str) -> bool:
    """Add an installed jar, with those that it requires; return whether it is installed.

    Spark takes one file of a name.
    """
    jars = installed_jars(coordinates, libraries() / SPARK)
    for jar in jars:
        files.setdefault(jar.name, str(jar))
    return bool(jars)


def _name(jar: str) -> str:
    return jar.rstrip("/").rpartition("/")[2]
