"""Writes an answer into the folder of a sink."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from dvt.core.ports.staging import Sink
from dvt.engines.spark.reach import Reach

_COUNT_SECONDS = 60
"""Seconds that Spark has to tell a count, after it has written all rows."""


def write_answer(frame: Any, sink: Sink, reach: Reach) -> tuple[Sequence[str], int | None]:
    """Have Spark write a frame; return the files' keys, and how many rows Spark has written.

    The number is None where it need not be compared with the files'.
    """
    bucket, folder = sink.location.bucket, sink.part()
    is_counted = reach.is_counted(bucket)
    counting = _Counting() if is_counted else None
    counted = counting.of(frame) if counting else frame
    options = {"compression": _codec(sink)}
    if sink.compression.level is not None:
        options["parquet.compression.codec.zstd.level"] = str(sink.compression.level)
    with reach.writing(bucket, folder) as address:
        counted.write.options(**options).parquet(address)
    keys = sorted(key for key, _ in bucket.list(folder) if key.endswith(".parquet"))
    return keys, counting.rows() if counting else None


class _Counting:
    """Counts the rows of a frame while they are written; rows of tasks that are repeated count once."""

    def __init__(self) -> None:
        from pyspark.sql import Observation

        self._observation = Observation()

    def of(self, frame: Any) -> Any:
        """Return the frame, whose rows are counted."""
        from pyspark.sql import functions

        return frame.observe(self._observation, functions.count(functions.lit(1)).alias("rows"))

    def rows(self) -> int:
        """Return the number; -1 if Spark has lost it."""
        deadline = time.monotonic() + _COUNT_SECONDS
        # PySpark would wait without an end for an event that Spark may drop.
        while not self._observation._jo.future().isCompleted():  # noqa: SLF001
            if time.monotonic() > deadline:
                return -1
            time.sleep(0.02)
        return int(self._observation.get["rows"])


def _codec(sink: Sink) -> str:
    return "uncompressed" if sink.compression.codec == "none" else str(sink.compression.codec)
