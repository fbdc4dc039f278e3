"""Parquet files as a table: files of several schemas by the types that hold the values of all.

DuckDB's reader takes the first file's schema for all: it cuts what a later file has wider, and leaves out
what a later file has more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from dvt.connectors.files.common_type import common_type
from dvt.connectors.files.inspected import Inspected, Misfit
from dvt.connectors.files.listing import Files
from dvt.core.errors import FileInDoubt
from dvt.core.types import Kind, StageType, UnknownType
from dvt.drivers.duckdb.sql import exact_path, listed, literal, quoted, value

_SCHEMAS_SQL = """
SELECT list(file_name ORDER BY file_name)
FROM (
  SELECT file_name, list((name, type, type_length, repetition_type, num_children, converted_type, scale,
                          precision, logical_type) ORDER BY column_id) AS columns
  FROM parquet_schema({0}) GROUP BY file_name)
GROUP BY columns ORDER BY min(file_name)
"""
"""Files by schema: those of one schema in one row."""
_COLUMNS_SQL = """
SELECT name, num_children, CASE
  WHEN precision > 38 THEN 'DECIMAL(' || precision || ',' || scale || ')'
  WHEN logical_type LIKE 'NullType%' THEN 'values'
  WHEN type = 'INT96' OR (logical_type LIKE '%NANOS=Nano%' AND duckdb_type NOT LIKE '%_NS') THEN 'nanoseconds'
  END
FROM parquet_schema({0}) ORDER BY column_id
"""
"""Columns and fields from the root down: the number of their parts, and what DuckDB cannot read of them."""
_RANGE_SQL = """
SELECT min(TRY_CAST(stats_min_value AS HUGEINT)), max(TRY_CAST(stats_max_value AS HUGEINT)),
       count_if(stats_min_value IS NULL AND stats_null_count IS DISTINCT FROM num_values)
FROM parquet_metadata({0}) WHERE path_in_schema = {1}
"""
"""Lowest and highest value of a column, and the number of row groups of which neither is known."""
_EXACT = 2**53
"""Whole numbers up to this one are exactly a DOUBLE."""
_FINE = "nanoseconds"
"""What is lost of moments."""
_NULL = str(StageType(Kind.NULL))
_NO_VALUES = "values"
"""What a column without a type lacks: pyarrow writes it for a column of NULLs alone."""
_WIDE = "DECIMAL"
"""Begins what is lost of decimals that are too wide."""
_MAX_FOOTERS = 256
"""Number of files up to which a table's rows are counted, for which every footer is read again."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Files of one schema."""

    paths: tuple[str, ...]
    types: Mapping[str, str]
    """Column → DuckDB's type, without the columns of folders."""
    lost: Mapping[str, str]
    """Column → what DuckDB cannot read of it."""


class ParquetFiles:
    """The Parquet files of one table. Implements FileSource."""

    checks: ClassVar[bool] = False

    def __init__(self, files: Files, ordered: Any) -> None:
        self._files = files
        self._ordered = ordered
        self._unites = bool(files.options.get("union_by_name"))
        self._groups = list(self._grouped())
        self._types = self._united()

    def inspect(self, cursor: Any) -> Inspected:
        """See FileSource. Only footers are read."""
        lost = {name: lost for group in reversed(self._groups) for name, lost in group.lost.items()}
        types = self._types | {name: "VARCHAR" for name, what in lost.items() if what.startswith(_WIDE)}
        nanoseconds = {name: what for name, what in lost.items() if not what.startswith(_WIDE)}
        return Inspected(
            types | dict(self._files.partitions.types), self._note(), self._rows(cursor), nanoseconds
        )

    def select(self, types: Mapping[str, str], read: Collection[str]) -> str:  # noqa: ARG002 (every value fits)
        """See FileSource."""
        return " UNION ALL ".join(self._select(group, types) for group in self._groups)

    def misfit(self, types: Mapping[str, str]) -> Misfit | None:  # noqa: ARG002
        """See FileSource. Every value of a Parquet file is of its column's type."""
        return None

    def _grouped(self) -> Iterator[_Group]:
        for (paths,) in self._ordered.execute(_SCHEMAS_SQL.format(_listed(self._files.paths))).fetchall():
            columns = self._ordered.execute(f"SELECT * FROM {self._read(paths[:1])} LIMIT 0").description
            types = {
                name: str(type_) for name, type_, *_ in columns if name not in self._files.partitions.types
            }
            fields = self._ordered.execute(_COLUMNS_SQL.format(_listed(paths[:1]))).fetchall()
            lost = dict(_lost(fields))
            types |= {name: _NULL for name, what in lost.items() if what == _NO_VALUES}
            yield _Group(
                tuple(paths), types, {name: what for name, what in lost.items() if what != _NO_VALUES}
            )

    def _united(self) -> dict[str, str]:
        first = self._groups[0]
        types, origins = dict(first.types), dict.fromkeys(first.types, first.paths[0])
        spelled = {name.lower(): name for name in types}
        for group in self._groups[1:]:
            own = {spelled.get(name.lower(), name): type_ for name, type_ in group.types.items()}
            if own.keys() != types.keys() and not self._unites:
                raise _other_columns(group.paths[0], own, first.paths[0], types)
            for name, type_ in own.items():
                types[name] = self._common(name, types.get(name, type_), type_, group.paths[0], origins)
                origins.setdefault(name, group.paths[0])
                spelled.setdefault(name.lower(), name)
        return types

    def _common(self, name: str, one: str, other: str, path: str, origins: Mapping[str, str]) -> str:
        if one == other:
            return one
        try:
            common = common_type(StageType.parse(one), StageType.parse(other), unite=self._unites)
        except UnknownType:
            common = None
        if common is None and "DOUBLE" in {one, other} and self._is_exact(name):
            return "DOUBLE"
        if common is None:
            way_out = "write the files with one type"
            if "STRUCT" in one and not self._unites:
                way_out += ", or set `union_by_name: true` if fields may be missing"
            raise FileInDoubt(
                path,
                f"column {name} is {other}, and in {origins[name]} it is {one}: no type holds both",
                way_out,
            )
        return str(common)

    def _is_exact(self, name: str) -> bool:
        """Tell by the footers' statistics whether all whole numbers of a column are exactly a DOUBLE."""
        groups = [group for group in self._groups if group.types.get(name) in {"BIGINT", "UBIGINT"}]
        paths = [path for group in groups for path in group.paths]
        (low, high, unknown) = self._ordered.execute(
            _RANGE_SQL.format(_listed(paths), literal(name))
        ).fetchone()
        return not unknown and (low is None or (low >= -_EXACT and high <= _EXACT))

    def _select(self, group: _Group, types: Mapping[str, str]) -> str:
        own = {name.lower(): type_ for name, type_ in group.types.items()}
        everywhere = {name.lower() for each in self._groups for name in each.types}
        values = []
        for name, type_ in types.items():
            column, lower = quoted(name), name.lower()
            if name in self._files.partitions.types or own.get(lower) == type_:
                values.append(column)
            elif lower in own:
                values.append(self._cast(group, name, own[lower], type_))
            else:
                values.append(f"CAST(NULL AS {type_}) AS {column}" if lower in everywhere else column)
        return f"SELECT {', '.join(values)} FROM {self._read(group.paths)}"

    def _cast(self, group: _Group, name: str, own: str, type_: str) -> str:
        column = quoted(name)
        wide = next((lost[name] for lost in (each.lost for each in self._groups) if name in lost), "")
        if wide.startswith(_WIDE):
            problem = literal(
                f"{group.paths[0]}, column {name}: a {wide} has more digits than DuckDB can read"
            )
            return f"CASE WHEN {column} IS NOT NULL THEN CAST(error({problem}) AS {type_}) END AS {column}"
        if type_ == "DOUBLE" == self._types[name]:
            return f"CAST({column} AS DOUBLE) AS {column}"
        if common_type(StageType.parse(type_), StageType.parse(own), unite=True) != StageType.parse(type_):
            raise FileInDoubt(
                group.paths[0],
                f"column {name} is {own} now, and was {type_} when the run began",
                "run it again",
            )
        return f"CAST({column} AS {type_}) AS {column}"

    def _read(self, paths: Sequence[str]) -> str:
        options: dict[str, object] = dict(self._files.partitions.options)
        if "binary_as_string" in self._files.options:
            options["binary_as_string"] = self._files.options["binary_as_string"]
        written = ", ".join(f"{name} = {value(setting)}" for name, setting in options.items())
        return f"read_parquet({_listed(paths)}, {written})"

    def _rows(self, cursor: Any) -> int | None:
        """Return the rows, from the footers; None for too many files."""
        if len(self._files.paths) > _MAX_FOOTERS:
            return None
        (rows,) = cursor.execute(
            f"SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata({_listed(self._files.paths)})"
        ).fetchone()
        return int(rows)

    def _note(self) -> str:
        count, schemas = len(self._files.paths), len(self._groups)
        note = "1 file of Parquet" if count == 1 else f"{count} files of Parquet"
        return f"{note} with {schemas} schemas, united by name" if schemas > 1 else note


def _listed(paths: Sequence[str]) -> str:
    return listed([exact_path(path) for path in paths])


def _lost(fields: Sequence[tuple[str, int | None, str | None]]) -> Iterator[tuple[str, str]]:
    """Yield each column of which DuckDB cannot read all, and what; `fields` are in preorder."""
    left: list[int] = []
    column = ""
    for place, (name, parts, lost) in enumerate(fields):
        while left and not left[-1]:
            left.pop()
        if left:
            left[-1] -= 1
        if len(left) == 1:
            column = name
        if lost and place and (lost != _NO_VALUES or len(left) == 1):
            yield column, f"{lost}; DuckDB reads microseconds" if lost == _FINE else lost
        if parts:
            left.append(parts)


def _other_columns(
    path: str, own: Mapping[str, str], first_path: str, first: Mapping[str, str]
) -> FileInDoubt:
    missing, more = [name for name in first if name not in own], [name for name in own if name not in first]
    problem = "; ".join(
        text
        for text in (
            f"it has no column {', '.join(missing)}, which {first_path} has" if missing else "",
            f"it has the column {', '.join(more)}, which {first_path} has not" if more else "",
        )
        if text
    )
    return FileInDoubt(path, problem, "set `union_by_name: true` if columns may be missing")
