"""Reads the CSV files of seeds. Implements SeedReader."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from dvt.connectors.files.places import line_of as record_line
from dvt.connectors.files.rules import Reading
from dvt.connectors.files.seed_csv import line_of, rewrite
from dvt.connectors.files.seed_orc import to_parquet
from dvt.connectors.files.seed_packing import as_seed_errors
from dvt.connectors.files.seed_typed import OpenTyped
from dvt.connectors.files.seed_types import Cells, Found, find
from dvt.connectors.files.texts import TextColumn, stopped_by_misfit, typed
from dvt.core.errors import Cancelled, SeedCellWrong
from dvt.core.ports.connectors import Instance
from dvt.core.ports.seeds import OpenSeed, surrogate
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.seeds import SeedColumn, SeedFacts, SeedFile, SeedKind, SeedType
from dvt.core.tables import StageColumn
from dvt.core.types import VARCHAR, Kind, StageType
from dvt.drivers.disk import private_folder
from dvt.drivers.duckdb import as_dvt_errors
from dvt.drivers.duckdb.errors import as_file_errors
from dvt.drivers.duckdb.memory import empty_instance
from dvt.drivers.duckdb.running import Batch, RunningQueries
from dvt.drivers.duckdb.sql import encoded, exact_path, literal, quoted, value
from dvt.drivers.duckdb.staging import write

import duckdb  # isort: skip


class SeedFiles:
    """Reads the seeds of a run through its DuckDB instance."""

    def __init__(self, instance: Instance, scratch: Path) -> None:
        """`scratch` is a folder for files of the run's own; it may not exist yet."""
        self._instance = instance
        self._scratch = scratch
        self._numbers = count()
        self._running = RunningQueries()
        self._stopped = threading.Event()

    @contextmanager
    def open(self, seed: SeedFile) -> Iterator[OpenSeed]:
        """See SeedReader."""
        folder = self._scratch / str(next(self._numbers))
        private_folder(folder)
        doing = f"reading {seed.shown}"
        try:
            with (
                as_dvt_errors(connection="the compute engine", doing=doing, where=seed.shown),
                closing(self._instance.cursor()) as cursor,
                self._running.batch() as batch,
            ):
                if seed.format != "csv":
                    with self._typed(seed, folder, cursor, batch, doing) as typed_seed:
                        yield typed_seed
                    return
                rows = folder / "rows.csv"
                names, longest = rewrite(seed, rows, lambda: self._check(doing))
                with self._running.query(batch, cursor.interrupt, doing):
                    yield OpenCsv(seed, read(rows, names, longest), names, cursor)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _typed(
        self, seed: SeedFile, folder: Path, cursor: Any, batch: Batch, doing: str
    ) -> Iterator[OpenSeed]:
        """Yield a seed whose file says of what types its columns are."""
        with as_seed_errors(seed), closing(empty_instance()) as ordered:
            path = seed.path
            if seed.format == "orc":
                path = folder / "rows.parquet"
                to_parquet(seed, path, lambda: self._check(doing))

            def interrupt() -> None:
                cursor.interrupt()
                ordered.interrupt()

            with (
                as_file_errors(connection="the compute engine", doing=doing, line_of=record_line({})),
                self._running.query(batch, interrupt, doing),
            ):
                yield OpenTyped(seed, path, cursor, ordered)

    def cancel(self) -> None:
        """See SeedReader."""
        self._stopped.set()
        self._running.cancel()

    def _check(self, doing: str) -> None:
        if self._stopped.is_set():
            raise Cancelled(doing)


class OpenCsv:
    """A CSV file whose rows are written anew. Implements OpenSeed."""

    def __init__(self, seed: SeedFile, source: str, names: Sequence[str], cursor: Any) -> None:
        """`source` is a FROM item with the rows."""
        self._seed = seed
        self._source = source
        self._names = names
        self._cursor = cursor
        self._cells = Cells(seed)
        self._kinds: dict[int, SeedKind] = {}

    def inspect(self, given: Collection[str], sample: int) -> SeedFacts:
        """See OpenSeed."""
        open_ = {place: name for place, name in enumerate(self._names) if name not in given}
        found = find(self._cells, self._seed, self._source, open_, self._cursor) if open_ else {}
        self._kinds = {place: column.kind for place, column in found.items()}
        (rows,) = self._cursor.execute(f"SELECT count(*) FROM {self._source}").fetchone()
        text = Found(SeedKind.TEXT, VARCHAR)
        columns = tuple(
            SeedColumn(name=name, kind=column.kind, stage=column.stage, longest=column.longest)
            for name, column in ((name, found.get(place, text)) for place, name in enumerate(self._names))
        )
        return SeedFacts(columns=columns, rows=int(rows), sample=self._sample(sample))

    def stage(self, types: Sequence[SeedType], sink: Sink) -> Dataset:
        """See OpenSeed."""
        columns = [self._column(place, type_) for place, type_ in enumerate(types)]
        staged = tuple(StageColumn(column.name, StageType.parse(column.type)) for column in columns)
        select = typed(columns, self._source, ())
        values = ", ".join(
            f"{encoded(quoted(column.name), column.type)} AS {quoted(column.name)}" for column in staged
        )
        try:
            rows = write(self._cursor, f"SELECT {values} FROM ({select})", sink, staged)
        except duckdb.Error as error:
            if stopped_by_misfit(error):
                self._raise_misfit(columns, types)
            raise
        return sink.commit(staged, rows)

    def _sample(self, size: int) -> tuple[tuple[str | None, ...], ...]:
        if not size:
            return ()
        cells = ", ".join(
            f"CASE WHEN NOT {self._cells.is_null(place)} THEN {surrogate(place)} END"
            for place in range(len(self._names))
        )
        return tuple(
            self._cursor.execute(f"SELECT {cells} FROM {self._source} USING SAMPLE {size} ROWS").fetchall()
        )

    def _column(self, place: int, type_: SeedType) -> TextColumn:
        stage = type_.stage or VARCHAR
        raw = f"CASE WHEN NOT {self._cells.is_null(place)} THEN {surrogate(place)} END"
        cell = self._value(place, type_, stage)
        return TextColumn(
            name=surrogate(place), type=str(stage), raw=f"({raw})", value=cell or raw, checked=bool(cell)
        )

    def _value(self, place: int, type_: SeedType, stage: StageType) -> str:
        """Return SQL of a cell's value, which is NULL if it is not of the type; empty for any text."""
        cells, reading = self._cells, self._cells.reading
        if stage == VARCHAR:
            text = surrogate(place)
            return f"CASE WHEN length({text}) <= {type_.length} THEN {text} END" if type_.length else ""
        if type_.is_given:
            return reading.value(cells.stripped(place), str(stage), given=True)
        if self._kinds[place] is SeedKind.NUMBER:
            return _number(reading, cells.number(place), stage)
        by_kind = {
            SeedKind.DATE: cells.date(place),
            SeedKind.TIMESTAMP: f"coalesce({cells.moment(place)}, {cells.iso(place)})",
            SeedKind.BOOLEAN: cells.truth(place),
        }
        return by_kind[self._kinds[place]]

    def _raise_misfit(self, columns: Sequence[TextColumn], types: Sequence[SeedType]) -> None:
        """Raise SeedCellWrong for a cell that is not of its column's type."""
        for place, (column, type_) in enumerate(zip(columns, types, strict=True)):
            if not column.checked:
                continue
            wrong = f"SELECT {surrogate(place)} FROM {self._source} WHERE {column.misfits} LIMIT 1"
            row = self._cursor.execute(wrong).fetchone()
            if row is not None:
                line = line_of(self._seed, place, str(row[0]))
                at = "" if line is None else f"line {line}"
                raise SeedCellWrong(self._seed.shown, at, self._names[place], str(row[0]), type_.native)


def read(rows: Path, names: Sequence[str], longest: int) -> str:
    """Return a FROM item with the rows of a seed, as `rewrite` has written them."""
    columns = [surrogate(place) for place in range(len(names))]
    if rows.stat().st_size == 0:
        return f"(SELECT {', '.join(f'CAST(NULL AS VARCHAR) AS {column}' for column in columns)} WHERE false)"
    options: dict[str, object] = {
        "auto_detect": False,
        "columns": dict.fromkeys(columns, "VARCHAR"),
        "delim": ",",
        "quote": '"',
        "escape": '"',
        "header": False,
        "strict_mode": True,
        "new_line": "\\n",
        "nullstr": "",
        "allow_quoted_nulls": False,
        "max_line_size": longest,
    }
    written = ", ".join(f"{name} = {value(setting)}" for name, setting in options.items())
    return f"read_csv({literal(exact_path(str(rows)))}, {written})"


def _number(reading: Reading, number: str, stage: StageType) -> str:
    """Return SQL of the number that a cell is found to be: 1.00 and 1e2 are whole."""
    if stage.kind is Kind.DOUBLE:
        return reading.value(number, str(stage), given=True)
    return f"TRY_CAST(TRY_CAST({number} AS DECIMAL(38,0)) AS {stage})"
