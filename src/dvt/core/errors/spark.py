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


class ClusterUnreachable(DvtError):
    """Nothing that can run Spark's jobs answers at the address of a cluster."""

    code = "DVT193"

    def __init__(self, compute: str, master: str, problem: str, hint: str = "") -> None:
        self.compute = compute
        super().__init__(
            f"compute {compute!r}: no Spark answers at {master}: {problem}",
            hint=hint
            or "look whether the cluster runs, and whether this machine may connect to it; or compute the "
            "model elsewhere (`--compute duckdb`)",
        )


class ClusterLost(DvtError):
    """A cluster has ended dvt's application, or gives it no worker."""

    code = "DVT194"

    def __init__(self, compute: str, doing: str, problem: str, hint: str) -> None:
        self.compute = compute
        super().__init__(f"compute {compute!r}: while {doing}: {problem}", hint=hint)


class BucketUnseen(DvtError):
    """The workers of a cluster cannot reach the bucket in which data is staged."""

    code = "DVT195"

    def __init__(self, compute: str, bucket: str, problem: str, hint: str) -> None:
        self.compute = compute
        super().__init__(
            f"compute {compute!r}: Spark's workers cannot reach the bucket {bucket}: {problem}", hint=hint
        )


class ConnectorJarMissing(DvtError):
    """Spark lacks the jar by which it reads and writes buckets of a type."""

    code = "DVT196"

    def __init__(self, compute: str, bucket: str, jar: str) -> None:
        self.compute = compute
        _, _, _, *classifier = jar.split(":")
        more = "name its file in `jars` of computes.yml"
        if not classifier:
            more = f"add it to the entry in computes.yml: `jars: [{jar}]`, and Spark fetches it"
        hint = f"run `dvt sync`, which installs it beside a bucket of buckets.yml; or {more}"
        super().__init__(
            f"compute {compute!r}: Spark has no way to the bucket {bucket}: the jar {jar} is missing",
            hint=hint,
        )


class SparkServerUnfit(DvtError):
    """A server of Spark Connect refuses dvt, or its version or settings would make other answers."""

    code = "DVT197"

    def __init__(self, compute: str, problem: str, hint: str) -> None:
        self.compute = compute
        super().__init__(f"compute {compute!r}: {problem}", hint=hint)
