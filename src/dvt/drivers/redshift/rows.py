"""Rows of the client, in batches of Arrow: for small answers, and where there is no bucket."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dvt.core.errors import Cancelled, DriverMissing
from dvt.drivers.redshift.connect import Session

_BATCH = 1000
"""Rows that are fetched at once: the most that a cluster of a single node allows."""
_NUMBERS = itertools.count()
"""Numbers for cursors: the client keeps what it knows of the columns of a statement's text."""
_INTEGERS, _DOUBLES = frozenset({20, 21, 23, 26}), frozenset({700, 701})
"""oids of the types that arrive as whole numbers, and as doubles."""


class AnswerRows:
    """A query's answer, within the session's transaction; nothing else is run before it is read."""

    def __init__(self, session: Session, sql: str, is_stopped: Callable[[], bool]) -> None:
        try:
            import pyarrow as pa
        except ImportError as error:
            raise DriverMissing("pyarrow", "dvt sync, or pip install 'dvt-engine[redshift]'") from error
        self._pa = pa
        self._session = session
        self._is_stopped = is_stopped
        self._name = f"dvt_cursor_{next(_NUMBERS)}"
        self.error: BaseException | None = None
        """What has ended the rows before their end; DuckDB's error only says that something has."""
        session.run(f"DECLARE {self._name} CURSOR FOR {sql}")
        self._first = self._fetched()
        kinds = {**dict.fromkeys(_INTEGERS, pa.int64()), **dict.fromkeys(_DOUBLES, pa.float64())}
        columns = [(column, kinds.get(oid, pa.string())) for column, oid in session.types]
        self.reader = pa.RecordBatchReader.from_batches(pa.schema(columns), self._batches(pa.schema(columns)))
        """The rows as Arrow batches: whole numbers, doubles, or texts, which the caller casts."""

    def _fetched(self) -> list[tuple[Any, ...]]:
        return self._session.rows(f"FETCH FORWARD {_BATCH} FROM {self._name}")

    def _batches(self, schema: Any) -> Iterator[Any]:
        rows = self._first
        try:
            while rows:
                yield self._pa.record_batch(_arrays(self._pa, schema, rows), schema=schema)
                if self._is_stopped():
                    raise Cancelled("reading rows")  # noqa: TRY301
                rows = self._fetched()
            self._session.run(f"CLOSE {self._name}")
        except Exception as error:
            self.error = error
            raise


def _arrays(pa: Any, schema: Any, rows: Sequence[Sequence[Any]]) -> list[Any]:
    return [
        pa.array([_text(value) for value in values] if field.type == pa.string() else values, type=field.type)
        for field, values in zip(schema, zip(*rows, strict=True), strict=True)
    ]


def _text(value: Any) -> str | None:
    """Return a decimal as its digits; a text is one already."""
    if value is None or isinstance(value, str):
        return value
    return format(value, "f") if hasattr(value, "as_tuple") else str(value)
