"""Reads a seed whose file says of what types its columns are: Parquet, ORC (as Parquet), and JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from dvt.connectors.files.inspected import FileSource, Inspected
from dvt.connectors.files.json_files import JsonFiles
from dvt.connectors.files.json_rules import NESTED
from dvt.connectors.files.listing import Files
from dvt.connectors.files.parquet_files import ParquetFiles
from dvt.connectors.files.partitions import Partitions
from dvt.connectors.files.rules import Reading
from dvt.connectors.files.texts import TextColumn, misfits, stopped_by_misfit, typed
from dvt.core.errors import SeedCellWrong, SeedConfigWrong
from dvt.core.ports.seeds import surrogate
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.seeds import SeedColumn, SeedFacts, SeedFile, SeedKind, SeedType
from dvt.core.tables import Column, StageColumn
from dvt.core.types import VARCHAR, Kind, StageType, UnknownType
from dvt.drivers.duckdb.sql import encoded, quoted
from dvt.drivers.duckdb.staging import write
from dvt.drivers.duckdb.types import described

_BYTES = frozenset({Kind.BLOB, Kind.BIT, Kind.GEOMETRY})
"""Kinds whose text in DuckDB is none that another database reads."""


class OpenTyped:
    """A file of one table whose columns have types. Implements OpenSeed."""

    def __init__(self, seed: SeedFile, path: Path, cursor: Any, ordered: Any) -> None:
        """`path` is what is read; `ordered` is a connection that reads it in the order of its rows."""
        self._seed = seed
        self._path = path
        self._cursor = cursor
        self._ordered = ordered
        self._reading = Reading(dateformat=seed.date_format, timestampformat=seed.timestamp_format)
        self._inspected: Inspected
        self._columns: Sequence[Column]

    def inspect(self, given: Collection[str], sample: int) -> SeedFacts:
        """See OpenSeed. Columns in `given` are of the file's types, too."""
        del given
        source = self._source({})
        inspected = self._inspected = source.inspect(self._cursor)
        self._columns = [described(name, type_) for name, type_ in inspected.types.items()]
        rows = inspected.rows
        if rows is None:
            (rows,) = self._cursor.execute(
                f"SELECT count(*) FROM ({source.select(inspected.types, ())})"
            ).fetchone()
        columns = tuple(
            SeedColumn(
                name=column.name,
                kind=SeedKind.TYPED,
                stage=column.stage,
                loses=inspected.loses.get(column.name) or column.loses,
            )
            for column in self._columns
        )
        return SeedFacts(columns=columns, rows=int(rows), sample=self._sample(source, sample))

    def stage(self, types: Sequence[SeedType], sink: Sink) -> Dataset:
        """See OpenSeed."""
        given = {
            column.name: str(type_.stage or VARCHAR)
            for column, type_ in zip(self._columns, types, strict=True)
            if type_.is_given and self._seed.format == "json"
        }
        source, read = self._source(given), {**self._inspected.types, **given}
        columns = [
            self._column(place, described(name, read[name]), type_)
            for place, (name, type_) in enumerate(zip(read, types, strict=True))
        ]
        staged = tuple(StageColumn(column.name, StageType.parse(column.type)) for column in columns)
        values = ", ".join(
            f"{encoded(quoted(column.name), column.type)} AS {quoted(column.name)}" for column in staged
        )
        rows_of = f"({source.select(read, ())})"
        try:
            select = f"SELECT {values} FROM ({typed(columns, rows_of, ())})"
            rows = write(self._cursor, select, sink, staged)
        except duckdb.Error as error:
            if stopped_by_misfit(error):
                self._raise_misfit(source, read, columns, types)
            raise
        return sink.commit(staged, rows)

    def _source(self, given: Mapping[str, str]) -> FileSource:
        """Return what reads the file; `given` are types of a JSON file's keys."""
        is_json = self._seed.format == "json"
        written = {"dateformat": self._seed.date_format, "timestampformat": self._seed.timestamp_format}
        options: dict[str, Any] = {name: text for name, text in written.items() if text} if is_json else {}
        if given:
            options["types"] = dict(given)
        files = Files((str(self._path),), "json" if is_json else "parquet", options, Partitions({}))
        return (JsonFiles if is_json else ParquetFiles)(files, self._ordered)

    def _sample(self, source: FileSource, size: int) -> tuple[tuple[str | None, ...], ...]:
        if not size:
            return ()
        cells = ", ".join(_text(column) for column in self._columns)
        rows = f"SELECT {cells} FROM ({source.select(self._inspected.types, ())}) USING SAMPLE {size} ROWS"
        return tuple(self._cursor.execute(rows).fetchall())

    def _column(self, place: int, column: Column, type_: SeedType) -> TextColumn:
        """Return how a column of the file becomes a column of the table."""
        own, name = quoted(column.name), surrogate(place)
        stage = (type_.stage or VARCHAR) if type_.is_given else column.stage
        length = type_.length if type_.is_given else None
        unpacked = column.unpack.format(own)
        if stage == column.stage and not length:
            return TextColumn(name=name, type=str(stage), raw=own, value=unpacked, checked=False)
        if stage == VARCHAR:
            self._check_text(column, type_)
            text = _text(column)
            value = f"CASE WHEN length({text}) <= {length} THEN {text} END" if length else text
            return TextColumn(name=name, type=str(stage), raw=own, value=value, checked=bool(length))
        if column.stage == VARCHAR:
            value = self._reading.value(own, str(stage), given=True)
        else:
            cast = f"TRY_CAST({own} AS {stage})"
            value = f"CASE WHEN TRY_CAST({cast} AS {column.stage}) = {unpacked} THEN {cast} END"
        return TextColumn(name=name, type=str(stage), raw=own, value=value)

    def _check_text(self, column: Column, type_: SeedType) -> None:
        """Raise SeedConfigWrong for bytes that would reach the target as a text."""
        if column.stage.kind in _BYTES:
            problem = f"column {column.name} is {column.native} in {self._seed.shown}, and no {type_.native}"
            way_out = "leave it out: the column then has the target's own type for bytes"
            raise SeedConfigWrong(self._seed.shown, "column_types", problem, way_out)

    def _raise_misfit(
        self,
        source: FileSource,
        read: Mapping[str, str],
        columns: Sequence[TextColumn],
        types: Sequence[SeedType],
    ) -> None:
        """Raise SeedCellWrong for the first value that is not of its column's type."""
        natives = {column.name: type_.native for column, type_ in zip(self._columns, types, strict=True)}
        if misfit := source.misfit(read):
            shown, native = misfit.value, natives[misfit.column]
            raise SeedCellWrong(self._seed.shown, misfit.place, misfit.column, shown, native)
        checked = [place for place, column in enumerate(columns) if column.checked]
        row = self._ordered.execute(misfits(columns, f"({source.select(read, ())})")).fetchone()
        for place, value in zip(checked, row[1:] if row else (), strict=True):
            if value is not None:
                name = self._columns[place].name
                raise SeedCellWrong(self._seed.shown, f"row {row[0]}", name, str(value), natives[name])


def _text(column: Column) -> str:
    """Return SQL of a value as a text; of a nested one as JSON."""
    own = quoted(column.name)
    try:
        is_nested = StageType.parse(column.native).kind in NESTED
    except UnknownType:
        is_nested = False
    return f"CAST({f'to_json({own})' if is_nested else own} AS VARCHAR)"
