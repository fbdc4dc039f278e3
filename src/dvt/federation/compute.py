"""Compute a model's answer over staged tables; settle the values that its plan asks for first."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping

from dvt.core.plan import Transform
from dvt.core.ports.engines import Engine, Value
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.reports import Moved
from dvt.core.requests import NodeRequest


def compute(
    transform: Transform,
    staged: Mapping[str, Dataset],
    engine: Engine,
    sink: Sink,
    report: Callable[[Moved], None],
) -> Dataset:
    """The answer, staged."""
    begun = time.monotonic()
    try:
        result = engine.run(transform.sql, staged, transform.columns, sink)
    except BaseException:
        sink.discard()  # a disk that it filled is needed by others
        raise
    seconds = time.monotonic() - begun
    report(
        Moved(
            what="compute", connection=engine.dialect, rows=result.rows, bytes=result.bytes, seconds=seconds
        )
    )
    return result


def answers(transform: Transform, staged: Mapping[str, Dataset], engine: Engine) -> dict[str, Value]:
    """The prepared values by placeholder."""
    return {one.placeholder: engine.fetch(staged[one.query.alias])[0] for one in transform.prepared}


def result_key(request: NodeRequest) -> str:
    """Where a node's answer is staged: a place of its own, for each of its batches too."""
    return hashlib.sha256(f"{request.unique_id}\n{request.stage}".encode()).hexdigest()[:24]
