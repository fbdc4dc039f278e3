"""JSON files as a table: keys and nested types from all records, values by rules that lose nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import duckdb

from dvt.connectors.files.inference import infer
from dvt.connectors.files.inspected import Inspected, Misfit
from dvt.connectors.files.json_rules import NESTED, json_column, json_texts
from dvt.connectors.files.layout import SAMPLE_ROWS
from dvt.connectors.files.listing import Files
from dvt.connectors.files.places import record_place
from dvt.connectors.files.rules import Reading, canonical, is_double
from dvt.connectors.files.texts import TextColumn, as_is, misfits, typed
from dvt.core.errors import FileInDoubt, ValueLost
from dvt.core.types import StageType, UnknownType
from dvt.drivers.duckdb.sql import exact_path, listed, literal, value

_READ_WITH = ("compression", "format", "maximum_object_size")
"""Options of DuckDB's reader that decide what a record is."""
_INFER_WITH = ("dateformat", "map_inference_threshold", "maximum_depth", "timestampformat")
"""Options of DuckDB's inference of nested types."""
_ALL_FILES = 2**31 - 1
"""As `maximum_sample_files`: no file is left out."""
_RENAMED = re.compile(r"(.+)_[0-9]+")
"""Pattern of a name that DuckDB gives to a key whose name is taken."""
_SAME_FIELD = re.compile(r'Duplicate name "(.+)" in struct')
"""Pattern of DuckDB's error for an object of which two keys differ in letter case alone."""
_STRING = r'"(\\.|[^"\\])*"'
"""Pattern of a JSON string."""
_LONG = "[0-9.]{16}"
"""Pattern of what every number has that a DOUBLE may not hold."""
_APPROXIMATE = {"FLOAT", "DOUBLE"}
"""Types that are given to have the nearest number that they hold."""
_REAL = r"-?[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)"
"""Pattern of a number that DuckDB reads as a DOUBLE."""


class JsonFiles:
    """The JSON files of one table. Implements FileSource."""

    checks: ClassVar[bool] = True

    def __init__(self, files: Files, ordered: Any) -> None:
        self._files = files
        self._options = files.options
        self._ordered = ordered
        self._reading = Reading(files.options.get("dateformat"), files.options.get("timestampformat"))
        self._given = {
            str(name): canonical(ordered, str(type_))
            for option in ("columns", "types")
            for name, type_ in (files.options.get(option) or {}).items()
        }
        self._records = files.options.get("records")

    def inspect(self, cursor: Any) -> Inspected:
        """See FileSource. Passes over all records, unless `columns` gives keys and types."""
        columns = self._options.get("columns")
        keys = {name: self._given[name] for name in columns} if columns else self._keys(cursor)
        if any(_holds_reals(type_) for name, type_ in keys.items() if self._asks_exactly(name)):
            self._check_reals(cursor)
        flat = [name for name, type_ in keys.items() if name not in self._given and not _is_nested(type_)]
        sample = int(self._options.get("sample_size", SAMPLE_ROWS))
        source = self._read(self._files.paths, keys)
        texts = {name: json_texts(name) for name in flat}
        inferred = infer(source, texts, self._reading, ordered=self._ordered, cursor=cursor, sample=sample)
        found = {**inferred.types, **self._given}
        types = {name: found.get(name, type_) for name, type_ in keys.items()}
        return Inspected(types | dict(self._files.partitions.types), self._note(), inferred.rows)

    def select(self, types: Mapping[str, str], read: Collection[str]) -> str:
        """See FileSource."""
        own = self._own(types)
        columns = [
            self._column(name, type_) if name in own else as_is(name, type_) for name, type_ in types.items()
        ]
        return typed(columns, self._read(self._files.paths, own), read)

    def misfit(self, types: Mapping[str, str]) -> Misfit | None:
        """See FileSource."""
        own = self._own(types)
        columns = [column for name, type_ in own.items() if (column := self._column(name, type_)).checked]
        for path in self._files.paths if columns else ():
            row = self._ordered.execute(misfits(columns, self._read([path], own))).fetchone()
            if row is not None:
                pairs = zip(columns, row[1:], strict=True)
                column, text = next(pair for pair in pairs if pair[1] is not None)
                return Misfit(
                    path,
                    record_place(path, row[0], self._options),
                    column.name,
                    text,
                    column.type,
                    self._files.paths[0],
                )
        return None

    def _own(self, types: Mapping[str, str]) -> dict[str, str]:
        return {name: type_ for name, type_ in types.items() if name not in self._files.partitions.types}

    def _column(self, name: str, type_: str) -> TextColumn:
        return json_column(name, type_, self._reading, given=name in self._given)

    def _keys(self, cursor: Any) -> dict[str, str]:
        """Return the keys of all records, with the types that DuckDB infers; FileInDoubt if it finds none."""
        try:
            keys = self._inferred(cursor, {} if self._records is None else {"records": self._records})
        except duckdb.NotImplementedException as error:
            if not (twice := _SAME_FIELD.search(str(error))):
                raise
            problem = f"two keys of one object are {twice[1]!r} but for their letter case"
            raise FileInDoubt(
                self._files.paths[0], problem, "set `maximum_depth: 1` to read objects as JSON"
            ) from error
        self._check_records(cursor, keys)
        self._check_letter_case(cursor, keys)
        return keys

    def _inferred(self, cursor: Any, options: Mapping[str, bool]) -> dict[str, str]:
        chosen: dict[str, object] = {
            "sample_size": -1,
            "maximum_sample_files": _ALL_FILES,
            "hive_partitioning": False,
        }
        chosen |= {name: self._options[name] for name in _INFER_WITH if name in self._options}
        chosen |= {name: str(setting).lower() for name, setting in options.items()}
        select = f"SELECT * FROM {self._function('read_json', self._files.paths, chosen)} LIMIT 0"
        return {name: str(type_) for name, type_, *_ in cursor.execute(select).description}

    def _check_letter_case(self, cursor: Any, keys: Collection[str]) -> None:
        """Raise FileInDoubt if two keys differ by letter case alone: DuckDB invents a name for the second."""
        spellings = {name.casefold(): name for name in keys}
        for name in keys:
            renamed = _RENAMED.fullmatch(name)
            first = spellings.get(renamed[1].casefold()) if renamed else None
            if renamed is None or first is None or first == renamed[1]:
                continue
            source = self._function("read_json_objects", self._files.paths, {})
            has_key = f"list_contains(json_keys(json), {literal(renamed[1])})"
            row = cursor.execute(f"SELECT filename FROM {source} WHERE {has_key} LIMIT 1").fetchone()
            if row is not None:
                raise FileInDoubt(
                    row[0],
                    f"the keys {first!r} and {renamed[1]!r} differ in letter case alone",
                    "set `columns` with the key to read, or `records: false` for whole records as JSON",
                )

    def _check_records(self, cursor: Any, keys: Mapping[str, str]) -> None:
        """Find out whether files with the only column `json` have objects; FileInDoubt if they have both."""
        if list(keys) != ["json"] or self._records is not None:
            return
        source = self._function("read_json_objects", self._files.paths, {})
        objects, records = cursor.execute(
            f"SELECT count_if(json_type(json) = 'OBJECT'), count(*) FROM {source}"
        ).fetchone()
        if not records:
            raise FileInDoubt(
                self._files.paths[0], "it has no records, so its columns are not known", "set `columns`"
            )
        if 0 < objects < records:
            raise FileInDoubt(
                self._files.paths[0], "some of its records are objects, and some are not", "set `records`"
            )
        self._records = bool(objects) and not self._is_map(cursor, keys["json"])

    def _is_map(self, cursor: Any, type_: str) -> bool:
        """Return whether DuckDB reads whole records as maps, because they have too many different keys."""
        if self._options.get("columns") or not type_.startswith("MAP("):
            return False
        try:
            self._inferred(cursor, {"records": True})
        except duckdb.BinderException:
            return True
        return False

    def _check_reals(self, cursor: Any) -> None:
        """Raise ValueLost if a number has more digits than a DOUBLE, as which DuckDB reads it."""
        source = self._function("read_json_objects", self._files.paths, {})
        reals = f"regexp_extract_all(regexp_replace(json, '{_STRING}', '', 'g'), '{_REAL}')"
        long = f"list_filter({reals}, lambda x: NOT {is_double('x')})"
        found = cursor.execute(
            f"SELECT filename, json FROM {source} WHERE regexp_matches(json, '{_LONG}') AND len({long}) > 0"
        )
        while (row := found.fetchone()) is not None:
            for column, number in _long_reals(row[1]):
                if self._asks_exactly(column):
                    raise ValueLost(
                        f"{row[0]}, column {column}",
                        f"{number} has more digits than DuckDB reads of a JSON number",
                        "write the number as a string and give its column a type, or ask for the nearest"
                        " DOUBLE: `types: { … }`",
                    )

    def _asks_exactly(self, name: str) -> bool:
        return self._given.get(name) not in _APPROXIMATE

    def _read(self, paths: Sequence[str], keys: Mapping[str, str]) -> str:
        self._check_records(self._ordered, keys)
        options = {"columns": dict.fromkeys(keys, "JSON"), **self._files.partitions.options}
        records = True if self._records is None else self._records
        return self._function("read_json", paths, {**options, "records": str(records).lower()})

    def _function(self, name: str, paths: Sequence[str], options: Mapping[str, object]) -> str:
        chosen = {key: self._options[key] for key in _READ_WITH if key in self._options} | dict(options)
        written = "".join(f", {key} = {value(setting)}" for key, setting in chosen.items())
        return f"{name}({listed([exact_path(path) for path in paths])}{written})"

    def _note(self) -> str:
        count = len(self._files.paths)
        by = "keys by option" if self._options.get("columns") else "keys of all records"
        return f"{'1 file' if count == 1 else f'{count} files'} of JSON: {by}"


class _Real(str):
    """A number with a fraction or an exponent, as it is written."""

    __slots__ = ()


def _long_reals(record: str) -> Iterator[tuple[str, str]]:
    """Yield column and number for each number of a record that is not exactly a DOUBLE."""
    try:
        parsed = json.loads(record, parse_float=_Real)
    except ValueError:  # DuckDB also reads JSON with a comma too many
        yield "?", "a number"
        return
    columns = parsed.items() if isinstance(parsed, dict) else [("json", parsed)]
    for column, values in columns:
        waiting = [values]
        while waiting:
            part = waiting.pop()
            if isinstance(part, _Real) and Decimal(part) != Decimal(repr(float(part))):
                yield column, str(part)
            elif isinstance(part, dict | list):
                waiting += part.values() if isinstance(part, dict) else part


def _holds_reals(type_: str) -> bool:
    return any(name in type_ for name in ("DOUBLE", "FLOAT", "DECIMAL", "JSON"))


def _is_nested(type_: str) -> bool:
    try:
        return StageType.parse(type_).kind in NESTED
    except UnknownType:
        return False
