"""Errors of Spark as compute engine, before it computes anything."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class SparkMissing(DvtError):
    """PySpark, which brings Spark, is not installed, or in another version than computes.yml asks for."""

    code = "DVT190"

    def __init__(self, compute: str, problem: str, hint: str) -> None:
        self.compute = compute
        super().__init__(f"compute {compute!r}: {problem}", hint=hint)


class JavaUnusable(DvtError):
    """Spark needs Java, which is missing or too old."""

    code = "DVT191"

    def __init__(self, compute: str, problem: str, needed: int) -> None:
        self.compute = compute
        super().__init__(
            f"compute {compute!r}: Spark needs Java {needed} or newer: {problem}",
            hint=f"install a Java runtime, such as the package openjdk-{needed}-jre-headless, or let "
            "JAVA_HOME name one; or compute the model in DuckDB (`compute: duckdb`)",
        )


class SparkNotStarted(DvtError):
    """Spark's Java process did not start, or has ended."""

    code = "DVT192"

    def __init__(self, compute: str, problem: str, hint: str = "") -> None:
        self.compute = compute
        super().__init__(
            f"compute {compute!r}: {problem}",
            hint=hint or "look at `config` of the entry in computes.yml, and at the memory of the machine",
        )
