"""Says which jars a profile's outputs and computes need, and installs them, for `dvt sync`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvt.config.profiles import Profile
    from dvt.environment.installed import Environment
    from dvt.environment.jars import JarUse, Source
    from dvt.environment.report import Item, SyncReport
    from dvt.environment.request import SyncRequest

_OVER_JDBC = {
    "jdbc": "",
    **{name: f"jdbc:{name}:" for name in ("clickhouse", "databricks", "oracle", "sqlserver", "trino")},
}
"""Types of outputs that are read over JDBC → the beginning of their URLs, where they have no key for that."""
_SPARK = "spark"
"""Type of computes that load jars, and need a newer Java."""


def with_jars(
    request: SyncRequest,
    report: SyncReport,
    *,
    profiles: Sequence[tuple[str, str]],
    folder: Path,
    environment: Environment,
    lock_file: Path,
) -> SyncReport:
    """Install the jars of outputs and computes; return the report with them, and with Java."""
    over_jdbc = [use for name, of in profiles for use in _over_jdbc(name, of, folder)]
    sparks = [what for name, of in profiles for what in _sparks(name, of, folder)]
    java = _java([what for what, _ in over_jdbc] if request.jdbc else (), sparks)
    if java is not None:
        report = replace(report, items=(*report.items, java))
    spark: list[JarUse] = []
    if sparks:
        hadoop = _hadoop(environment, request.download)
        spark = [use for name, of in profiles for use in _for_spark(name, of, folder, hadoop)]
    if not over_jdbc and not spark:
        return report
    from dvt.core.libraries import libraries
    from dvt.environment.jars import JarSync, jars_of

    asked = {"jdbc": request.jdbc, "spark": request.native}
    used = tuple(jars_of((*_drivers(over_jdbc), *spark)))
    items, is_new = JarSync(
        jars=tuple(use for use in used if asked[use.kind]),
        left_out=frozenset(use.coordinates for use in used if not asked[use.kind]),
        lock_file=lock_file,
        source=_source(request),
        home=request.download or libraries(),
        dry_run=request.dry_run,
        downloads=request.download is not None,
    ).sync()
    report = replace(report, items=(*report.items, *items))
    return replace(report, lock=str(lock_file), lock_note="written, with jars") if is_new else report


def _source(request: SyncRequest) -> Source:
    from dvt.core.libraries import libraries
    from dvt.environment.jars import Folder, Installed, Maven

    if request.offline is not None:
        return Folder(request.offline)
    return Maven() if request.download is None else Installed(libraries(), Maven())


def _over_jdbc(name: str, of: str, folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield outputs that are read over JDBC, for people, each with coordinates of drivers."""
    from dvt.app.sync_packages import kind_of
    from dvt.config.profiles import load_profile

    profile = load_profile(folder, name)
    for output in profile.names:
        kind = kind_of(profile, output)
        if kind in _OVER_JDBC:
            yield f"{of}output {output} ({kind})", _coordinates(profile, output)


def _coordinates(profile: Profile, output: str) -> tuple[str, ...]:
    """Return the coordinates of an output's drivers; none if it names a jar."""
    # Only here: the package of the drivers imports DuckDB, which takes time.
    from dvt.drivers.jdbc.jars import drivers_of

    if profile.names_key(output, "jar") or profile.names_key(output, "jars"):
        return ()
    maven = profile.value(output, "maven") or ()
    named = (maven,) if isinstance(maven, str) else tuple(map(str, maven))
    url = _OVER_JDBC[profile.kind(output)] or profile.beginning(output, "url")
    return tuple(drivers_of(url, named))


def _drivers(outputs: Sequence[tuple[str, tuple[str, ...]]]) -> Iterator[JarUse]:
    from dvt.environment.jars import JarUse

    for what, drivers in outputs:
        yield from (JarUse(driver, (what,)) for driver in drivers)


def _sparks(name: str, of: str, folder: Path) -> Iterator[str]:
    """Yield computes that start Spark on this machine, for people."""
    from dvt.config.computes import load_computes

    for compute in load_computes(name, folder).entries.values():
        if compute.kind == _SPARK and compute.keys.get("remote") is None:
            yield f"{of}compute {compute.name} ({_SPARK})"


def _for_spark(name: str, of: str, folder: Path, hadoop: str | None) -> Iterator[JarUse]:
    """Yield the jars that computes name, and those by which clusters reach the profile's buckets."""
    from dvt.config.buckets import load_buckets
    from dvt.config.computes import load_computes
    from dvt.core.errors import JarUnavailable
    from dvt.core.libraries import SPARK
    from dvt.engines.spark.jars import wanted
    from dvt.engines.spark.settings import COORDINATES, SparkSettings
    from dvt.environment.jars import JarUse

    for compute in load_computes(name, folder).entries.values():
        settings = compute.settings if compute.kind == _SPARK else None
        if not isinstance(settings, SparkSettings) or settings.remote is not None:
            continue
        what = (f"{of}compute {compute.name} ({_SPARK})",)
        yield from (JarUse(jar, what, SPARK) for jar in settings.jars if COORDINATES.fullmatch(jar))
        buckets = load_buckets(name, folder).hadoop_jars
        for jar in wanted(settings, buckets, hadoop or "{hadoop}"):
            problem = "it has to be of the Hadoop that PySpark brings, and PySpark is not installed yet"
            error = (
                None if hadoop or "{" not in jar else JarUnavailable(jar, problem, "see the line of pyspark")
            )
            yield JarUse(jar, what, SPARK, error)


def _hadoop(environment: Environment, download: Path | None) -> str | None:
    """Return the version of Hadoop that PySpark brings: the one that is installed, or was downloaded."""
    from dvt.engines.spark.jars import hadoop_among, hadoop_in
    from dvt.environment.archives import read_archive

    for file in sorted(download.glob("pyspark-*.tar.gz")) if download else ():
        return hadoop_among(read_archive(file).files)
    return hadoop_in(environment.site / "pyspark")


def _java(outputs: Sequence[str], sparks: Sequence[str]) -> Item | None:
    """Return an item for Java; None if nothing needs it."""
    uses = (*outputs, *sparks)
    if not uses:
        return None
    from dvt.core.errors import JavaMissing, JavaUnusable
    from dvt.drivers.jdbc.java import NEEDED, java, java_version
    from dvt.environment.report import Item, Outcome

    needed = NEEDED
    if sparks:
        from dvt.engines.spark.jars import JAVA  # here: its package imports DuckDB

        needed = JAVA
    package, program = f"Java {needed}", java()
    version = None if program is None else java_version(program)
    if version is not None and version >= needed:
        return Item(outcome=Outcome.OK, package=package, uses=uses, version=str(version))
    problem = f"{program} is older" if program else "there is none on the PATH, and JAVA_HOME names none"
    missing = JavaUnusable if sparks else JavaMissing
    return Item(outcome=Outcome.FAILED, package=package, uses=uses, error=missing(uses[-1], problem, needed))
