"""CSV files as a table: read as texts, cut by one shape, and cast by rules that lose nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from dvt.connectors.files.csv_shape import Shape, delimited, shape
from dvt.connectors.files.inference import as_texts, infer
from dvt.connectors.files.inspected import Inspected, Misfit
from dvt.connectors.files.layout import SAMPLE_ROWS
from dvt.connectors.files.listing import Files
from dvt.connectors.files.places import row_line
from dvt.connectors.files.rules import Reading, canonical
from dvt.connectors.files.texts import TextColumn, as_is, misfits, typed
from dvt.core.errors import FileInDoubt
from dvt.drivers.duckdb.sql import exact_path, listed, quoted, value

_PASSED_ON = (
    "allow_quoted_nulls",
    "compression",
    "encoding",
    "escape",
    "max_line_size",
    "nullstr",
    "quote",
    "skip",
)
"""Options that DuckDB's reader gets as they are."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Files of one shape."""

    shape: Shape
    paths: tuple[str, ...]


class CsvFiles:
    """The CSV files of one table. Implements FileSource."""

    checks: ClassVar[bool] = True

    def __init__(self, files: Files, ordered: Any) -> None:
        self._files = files
        self._options = files.options
        self._reading = Reading.of(files.options)
        self._ordered = ordered
        self._groups = self._grouped()
        self._names = self._united()
        self._given = self._given_types()

    def inspect(self, cursor: Any) -> Inspected:
        """See FileSource. One pass over all files, unless every type is given."""
        given = self._given
        inferred = {name: as_texts(name) for name in self._names if name.lower() not in given}
        sample = int(self._options.get("sample_size", SAMPLE_ROWS))
        found = infer(
            self._source(), inferred, self._reading, ordered=self._ordered, cursor=cursor, sample=sample
        )
        types = {name: given.get(name.lower()) or found.types[name] for name in self._names}
        return Inspected(types | dict(self._files.partitions.types), self._note(), found.rows)

    def select(self, types: Mapping[str, str], read: Collection[str]) -> str:
        """See FileSource."""
        columns = [self._column(name, type_) for name, type_ in types.items()]
        return typed(columns, self._source(), read)

    def misfit(self, types: Mapping[str, str]) -> Misfit | None:
        """See FileSource."""
        columns = [self._column(name, type_) for name, type_ in types.items()]
        for group in self._groups:
            names = {name.lower() for name in group.shape.names}
            own = [column for column in columns if column.checked and column.name.lower() in names]
            for path in group.paths if own else ():
                row = self._ordered.execute(misfits(own, self._read([path], group.shape))).fetchone()
                if row is not None:
                    column, text = next(
                        pair for pair in zip(own, row[1:], strict=True) if pair[1] is not None
                    )
                    line = row_line(path, row[0], group.shape, self._options)
                    return Misfit(path, line, column.name, text, column.type, self._files.paths[0])
        return None

    def _column(self, name: str, type_: str) -> TextColumn:
        if type_ == "VARCHAR" or name in self._files.partitions.types:
            return as_is(name, type_)
        cast = self._reading.value(quoted(name), type_, given=name.lower() in self._given)
        return TextColumn(name=name, type=type_, raw=quoted(name), value=cast)

    def _given_types(self) -> dict[str, str]:
        """Return the types that options give, by lower-cased name."""
        if self._options.get("all_varchar"):
            return {name.lower(): "VARCHAR" for name in self._names}
        given = {**(self._options.get("columns") or {}), **(self._options.get("types") or {})}
        return {str(name).lower(): canonical(self._ordered, str(type_)) for name, type_ in given.items()}

    def _grouped(self) -> tuple[_Group, ...]:
        groups: dict[Shape, list[str]] = {}
        for path in self._files.paths:
            own = shape(self._ordered, path, self._options)
            if own is not None:
                groups.setdefault(own, []).append(path)
        if not groups:
            raise FileInDoubt(
                self._files.paths[0],
                "it is empty, so its columns are not known",
                "remove it, or write a header",
            )
        return tuple(_Group(own, tuple(paths)) for own, paths in groups.items())

    def _united(self) -> tuple[str, ...]:
        """Return the columns of all files; FileInDoubt if they differ and no option unites them."""
        first = self._groups[0]
        names = {name.lower(): name for name in first.shape.names}
        for group in self._groups[1:]:
            own = {name.lower(): name for name in group.shape.names}
            if own.keys() != names.keys() and not self._options.get("union_by_name"):
                raise FileInDoubt(
                    group.paths[0],
                    f"its columns are {delimited(group.shape.names)}, and those of {first.paths[0]} are"
                    f" {delimited(first.shape.names)}",
                    "set `union_by_name: true` if columns may be missing, or `header`",
                )
            names = {**own, **names}
        return tuple(name for name in names.values() if name not in self._files.partitions.types)

    def _source(self) -> str:
        """Return a FROM item with the rows of all files, as texts."""
        reads = [f"SELECT * FROM {self._read(group.paths, group.shape)}" for group in self._groups]
        return (
            reads[0].removeprefix("SELECT * FROM ")
            if len(reads) == 1
            else f"({' UNION ALL BY NAME '.join(reads)})"
        )

    def _read(self, paths: Sequence[str], own: Shape) -> str:
        options: dict[str, object] = {
            "auto_detect": False,
            "columns": dict.fromkeys(own.names, "VARCHAR"),
            "delim": own.delimiter,
            "header": own.header,
            "quote": '"',
            "escape": '"' if self._options.get("quote", '"') == '"' else "",
            "comment": str(self._options.get("comment") or ""),
            "strict_mode": True,
            "allow_quoted_nulls": False,
        }
        options |= {name: self._options[name] for name in _PASSED_ON if name in self._options}
        options |= self._files.partitions.options
        written = ", ".join(f"{name} = {value(setting)}" for name, setting in options.items())
        return f"read_csv({listed([exact_path(path) for path in paths])}, {written})"

    def _note(self) -> str:
        return "; ".join(_described(group, self._options) for group in self._groups)


def _described(group: _Group, options: Mapping[str, Any]) -> str:
    own = group.shape
    count = "1 file" if len(group.paths) == 1 else f"{len(group.paths)} files"
    delimiter = "tab" if own.delimiter == "\t" else repr(own.delimiter)
    quote, skip = options.get("quote", '"'), options.get("skip", 0)
    header = f"header in line {int(skip) + 1}" if own.header else "no header"
    return f"{count} of CSV: {header}, delimiter {delimiter}, quote {quote or 'none'}"
