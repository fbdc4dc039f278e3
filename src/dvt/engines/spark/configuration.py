"""All settings of an application: the user's, and those that are dvt's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dvt.core.ports.engines import EngineContext
from dvt.engines.spark.jars import config_with_jars, own_hadoop
from dvt.engines.spark.settings import SparkSettings

LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.err.ref = err
appender.err.type = Console
appender.err.name = err
appender.err.target = SYSTEM_ERR
appender.err.layout.type = PatternLayout
appender.err.layout.pattern = %p %c{1}: %m%n%ex
"""
"""What Spark writes into the log in its scratch folder, as a file of log4j."""
_REDACTED = "(?i)secret|password|token|access[.]?key|account[.]key|[.]sas[.]|credential|private"
"""Matches keys whose values Spark shows nowhere."""
_DEFAULTS = {"spark.redaction.regex": _REDACTED, "spark.sql.redaction.options.regex": f"{_REDACTED}|url"}
ANSWERS = {
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.variable.substitute": "false",
}
"""Settings on which answers depend."""


def all_settings(
    settings: SparkSettings, context: EngineContext, folder: Path, address: str | None
) -> Mapping[str, str]:
    """Return Spark's settings; `address` is where workers reach this machine, None if Spark is to find it."""
    at = {"spark.driver.host": address, "spark.driver.bindAddress": address} if address else {}
    # Where S3A buffers what it writes; on a cluster that is a matter of the workers.
    buffers = {"spark.hadoop.hadoop.tmp.dir": str(folder / "hadoop")} if settings.at.is_local else {}
    own = config_with_jars(settings, context.hadoop_jars, own_hadoop())
    given = {**_DEFAULTS, **at, **buffers, **own}
    return {**given, **_own(settings, context, folder), **ANSWERS}


def _own(settings: SparkSettings, context: EngineContext, folder: Path) -> Mapping[str, str]:
    """Return the settings of where Spark computes and writes."""
    return {
        "spark.master": settings.master,
        "spark.submit.deployMode": "client",
        "spark.app.name": f"dvt-{context.run}",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": f"file:{folder / 'warehouse'}",
        # Else a session would get what another one has asked for: see `Reach`.
        "spark.hadoop.fs.file.impl.disable.cache": "true",
        "spark.hadoop.fs.permissions.umask-mode": "077",
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    }


def as_properties(settings: Mapping[str, str]) -> str:
    """Return settings as the text of a file of Java properties."""
    return "".join(f"{_escaped(key)} {_escaped(value)}\n" for key, value in settings.items())


def _escaped(text: str) -> str:
    """Escape a key or value of a file of Java properties."""
    replaced = text.replace("\\", "\\\\").replace("\n", "\\n")
    return "".join(f"\\{char}" if char in "=:# !" else char for char in replaced)
