"""Computation of a model's answer over staged tables."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from dvt.core.errors import DvtError, ValueLost
from dvt.core.plan import Transform
from dvt.core.ports.engines import Engine
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.reports import Moved
from dvt.core.requests import NodeRequest
from dvt.federation.answers import with_answers

_OUTPUT = re.compile(r"source column c(\d+)$")
"""Matches the number of an output in an engine's message, which `bind_transform` names so to cast it."""


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
    except BaseException as error:
        sink.discard()  # if the disk is full, others need the space
        if isinstance(error, DvtError) and not transform.is_own_text:
            error.sql_line = None  # that of the translation
        if isinstance(error, ValueLost):
            raise _of_output(error, transform) from error.__cause__
        raise
    seconds = time.monotonic() - started
    report(
        Moved(
            what="compute", connection=engine.dialect, rows=result.rows, bytes=result.bytes, seconds=seconds
        )
    )
    return result


def _of_output(error: ValueLost, transform: Transform) -> ValueLost:
    """Return the error with the name of the output whose cast has failed; the engine has its number."""
    place = _OUTPUT.search(error.problem)
    if place is None or int(place[1]) >= len(transform.columns):
        return error
    name = transform.columns[int(place[1])].name
    renamed = ValueLost(error.where, _OUTPUT.sub(f"output column {name}", error.problem), error.hint)
    renamed.sql_line = error.sql_line
    return renamed


def result_key(request: NodeRequest) -> str:
    """Return the key under which a node's answer is staged; each of its batches has a key of its own."""
    return hashlib.sha256(f"{request.unique_id}\n{request.stage}".encode()).hexdigest()[:24]
