"""Rows of a warehouse's own client, in batches of Arrow that DuckDB reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from dvt.core.errors import Cancelled, DriverMissing

Arrives = Literal["whole", "double", "text"]
"""What a column is to Arrow: whole numbers of 64 bits, doubles, or texts, which the caller casts."""
Rows = Sequence[Sequence[Any]]


class ClientRows:
    """A query's answer as a client gives it: lists of rows, of which the last one is empty."""

    def __init__(
        self,
        columns: Sequence[tuple[str, Arrives]],
        fetch: Callable[[], Rows],
        is_stopped: Callable[[], bool],
        *,
        extra: str,
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        """`finish` is called after the last row; `extra` is dvt's extra that has PyArrow."""
        try:
            import pyarrow as pa
        except ImportError as error:
            raise DriverMissing("pyarrow", f"dvt sync, or pip install 'dvt-engine[{extra}]'") from error
        self._pa = pa
        self._fetch, self._is_stopped, self._finish = fetch, is_stopped, finish
        self.error: BaseException | None = None
        """What has ended the rows before their end; DuckDB's error only says that something has."""
        types = {"whole": pa.int64(), "double": pa.float64(), "text": pa.string()}
        schema = pa.schema([(name, types[arrives]) for name, arrives in columns])
        self.reader = pa.RecordBatchReader.from_batches(schema, self._batches(schema))
        """The rows as Arrow batches."""

    def _batches(self, schema: Any) -> Iterator[Any]:
        try:
            while rows := self._fetch():
                yield self._pa.record_batch(_arrays(self._pa, schema, rows), schema=schema)
                if self._is_stopped():
                    raise Cancelled("reading rows")  # noqa: TRY301
            self._finish()
        except Exception as error:
            self.error = error
            raise


def _arrays(pa: Any, schema: Any, rows: Rows) -> list[Any]:
    return [
        pa.array([_text(value) for value in values] if field.type == pa.string() else values, type=field.type)
        for field, values in zip(schema, zip(*rows, strict=True), strict=True)
    ]


def _text(value: Any) -> str | None:
    """Return a decimal as its digits; a text is one already."""
    if value is None or isinstance(value, str):
        return value
    return format(value, "f") if hasattr(value, "as_tuple") else str(value)
