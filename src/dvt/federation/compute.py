"""Computation of a model's answer over staged tables."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from dvt.core.plan import Transform
from dvt.core.ports.engines import Engine
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.reports import Moved
from dvt.core.requests import NodeRequest
from dvt.federation.answers import with_answers


def compute(
    transform: Transform,
    staged: Mapping[str, Dataset],
    engine: Engine,
    sink: Sink,
    report: Callable[[Moved], None],
) -> Dataset:
    """Run the transform over the staged tables and stage its answer."""
    started = time.monotonic()
    try:
        answered = replace(transform, sql=with_answers(transform.sql, staged, engine))
        result = engine.run(answered, staged, sink)
    except BaseException:
        sink.discard()  # if the disk is full, others need the space
        raise
    seconds = time.monotonic() - started
    report(
        Moved(
            what="compute", connection=engine.dialect, rows=result.rows, bytes=result.bytes, seconds=seconds
        )
    )
    return result


def result_key(request: NodeRequest) -> str:
    """Return the key under which a node's answer is staged; each of its batches has a key of its own."""
    return hashlib.sha256(f"{request.unique_id}\n{request.stage}".encode()).hexdigest()[:24]
