"""Writes an answer into the folder of a sink."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from dvt.core.ports.staging import Sink
from dvt.engines.spark.reach import Reach

_COUNT_SECONDS = 60
"""Seconds that Spark has to tell a count, after it has written all rows."""


class Counts(Protocol):
    """What can count rows while they are written."""

    def counted(self, frame: Any) -> tuple[Any, Callable[[], int]]:
        """Return a frame whose rows are counted, and what tells the number once they are written."""


def write_answer(
    application: Counts, frame: Any, sink: Sink, reach: Reach
) -> tuple[Sequence[str], int | None]:
    """Have Spark write a frame; return the files' keys, and how many rows Spark has written.

    The number is None where it need not be compared with the files'.
    """
    bucket, folder = sink.location.bucket, sink.part()
    told: Callable[[], int] | None = None
    if reach.is_counted(bucket):
        frame, told = application.counted(frame)
    options = {"compression": _codec(sink)}
    if sink.compression.level is not None:
        options["parquet.compression.codec.zstd.level"] = str(sink.compression.level)
    with reach.writing(bucket, folder) as address:
        frame.write.options(**options).parquet(address)
    keys = sorted(key for key, _ in bucket.list(folder) if key.endswith(".parquet"))
    return keys, told() if told else None


def counted(frame: Any) -> tuple[Any, Callable[[], int]]:
    """Return a frame whose rows are counted while they are written, and what then tells the number.

    Rows of tasks that are repeated count once. The number is -1 if Spark has lost it.
    """
    from pyspark.sql import Observation, functions

    observation = Observation()

    def rows() -> int:
        deadline = time.monotonic() + _COUNT_SECONDS
        # PySpark would wait without an end for an event that Spark may drop.
        while not observation._jo.future().isCompleted():  # noqa: SLF001
            if time.monotonic() > deadline:
                return -1
            time.sleep(0.02)
        return int(observation.get["rows"])

    return frame.observe(observation, functions.count(functions.lit(1)).alias("rows")), rows


def _codec(sink: Sink) -> str:
    return "uncompressed" if sink.compression.codec == "none" else str(sink.compression.codec)
