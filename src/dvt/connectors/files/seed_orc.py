"""Rewrites a seed's ORC file as Parquet, which DuckDB reads: one stripe at a time, in constant memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dvt.connectors.files.seed_packing import arrow
from dvt.core.errors import SeedUnreadable
from dvt.core.seeds import SeedFile


def to_parquet(seed: SeedFile, to: Path, check: Callable[[], None]) -> None:
    """Write all rows of an ORC file to a Parquet file; `check` is called now and then, and may raise."""
    pyarrow = arrow(seed, "pyarrow")
    orc = arrow(seed, "pyarrow.orc")
    try:
        file = orc.ORCFile(str(seed.path))
        try:
            _write(file, _in_microseconds(file.schema), to, check)
        except pyarrow.ArrowInvalid:  # a moment has nanoseconds: all of them then keep theirs
            _write(file, file.schema, to, check)
    except pyarrow.ArrowException as error:
        problem = f"it is not an ORC file that can be read ({str(error).splitlines()[0]})"
        raise SeedUnreadable(seed.shown, None, problem, "write the file again") from error


def _write(file: Any, schema: Any, to: Path, check: Callable[[], None]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetWriter(str(to), schema, compression="zstd", compression_level=1) as writer:
        for number in range(file.nstripes):
            check()
            writer.write_table(pa.Table.from_batches([file.read_stripe(number)]).cast(schema))


def _in_microseconds(schema: Any) -> Any:
    """Return the schema with moments of microseconds: ORC has all of them in nanoseconds."""
    import pyarrow as pa

    fields = [
        field.with_type(pa.timestamp("us", field.type.tz)) if pa.types.is_timestamp(field.type) else field
        for field in schema
    ]
    return pa.schema(fields)
