"""Cuts a seed's CSV file into rows and cells, as dbt does: by Python's reader, which both have.

DuckDB's reader differs from it in files of mixed line ends, in blanks around quotes, and in quotes within a
cell. So the rows are written anew, in one form that no reader can mistake, a chunk at a time: both the
reader and the writer are loops of C.
"""

from __future__ import annotations

import csv
import io
import string
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from dvt.connectors.files.seed_packing import as_seed_errors, raw
from dvt.core.errors import SeedConfigWrong, SeedUnreadable
from dvt.core.seeds import SeedFile

_CHUNK = 500
"""Rows between two looks at whether the run was stopped."""
MAX_ROW = 2_000_000
"""Bytes of a row, as it is written anew, above which its length is asked for."""
_BOM = "\ufeff"
_DELIMITER_HINT = "quote cells that hold the delimiter; write every cell of the row, if it is empty, too"


def rewrite(seed: SeedFile, to: Path, check: Callable[[], None]) -> tuple[tuple[str, ...], int]:
    """Write a seed's rows to a file, without the header and all cells in quotes.

    Returns the columns' names, and a number of bytes that no row is longer than. `check` is called now and
    then, and may raise.
    """
    longest, size = MAX_ROW, 0
    with _opened(seed) as rows, to.open("w", encoding="utf-8", newline="") as file:
        names = named(_header(seed, rows))
        write = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows
        whole = _whole(seed, rows, len(names))
        while chunk := list(islice(whole, _CHUNK)):
            check()
            write(chunk)
            file.flush()
            size, before = to.stat().st_size, size
            if size - before > MAX_ROW:
                longest = max(longest, *map(_size, chunk))
    return names, longest


def line_of(seed: SeedFile, place: int, text: str) -> int | None:
    """Return the first line in which the cell of a column, counted from 0, is this text."""
    with _opened(seed) as rows:
        width = len(_header(seed, rows))
        return next((_begin(rows, row) for row in _whole(seed, rows, width) if row[place] == text), None)


def named(header: Sequence[str]) -> tuple[str, ...]:
    """Return the names that dbt gives columns: one without a name gets a letter, a second one a number."""
    names: list[str] = []
    letters = string.ascii_lowercase
    for place, name in enumerate(header):
        wanted = name or letters[place % len(letters)] * (place // len(letters) + 1)
        free, number = wanted, 1
        while free in names:
            number += 1
            free = f"{wanted}_{number}"
        names.append(free)
    return tuple(names)


@contextmanager
def _opened(seed: SeedFile) -> Iterator[Any]:
    """Yield the file's records; lines end in each of the ways that Python knows, within cells, too."""
    if csv.field_size_limit() < sys.maxsize:
        csv.field_size_limit(sys.maxsize)
    with as_seed_errors(seed), raw(seed) as packed:
        try:
            with _text(seed, packed) as text:
                first = next(text, "").removeprefix(_BOM)
                yield csv.reader(chain([first] if first else [], text), **_form(seed))
        except UnicodeError as error:
            problem = f"it is not written in {seed.encoding}"
            hint = "save it as UTF-8, or set the seed's `encoding`"
            raise SeedUnreadable(seed.shown, _undecodable(seed), problem, hint) from error
        except csv.Error as error:
            raise SeedUnreadable(seed.shown, None, str(error), "correct the file") from error


def _text(seed: SeedFile, packed: Any) -> io.TextIOWrapper:
    try:
        return io.TextIOWrapper(packed, encoding=seed.encoding)
    except LookupError as error:
        problem = f"Python knows no {seed.encoding!r}"
        raise SeedConfigWrong(seed.shown, "encoding", problem, "such as utf-8, latin-1, cp1252") from error


def _form(seed: SeedFile) -> dict[str, Any]:
    """Return how cells are told apart, for Python's reader."""
    form: dict[str, Any] = {"delimiter": seed.delimiter, "strict": False}
    if not seed.quote:
        form["quoting"] = csv.QUOTE_NONE
    elif seed.quote != '"':
        form["quotechar"] = seed.quote
    if seed.escape and seed.escape != seed.quote:
        form |= {"escapechar": seed.escape, "doublequote": False}
    return form


def _undecodable(seed: SeedFile) -> int | None:
    """Return the first line that is not written in the file's encoding, where lines can be told before."""
    with raw(seed) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(seed.encoding)
            except UnicodeError:
                return number
    return None


def _header(seed: SeedFile, rows: Any) -> Sequence[str]:
    header: list[str] | None = next(rows, None)
    if not header:
        problem = "it is empty" if header is None else "its first line is blank"
        raise SeedUnreadable(seed.shown, 1, problem, "write the columns' names into the first line")
    return header


def _whole(seed: SeedFile, rows: Any, width: int) -> Iterator[list[str]]:
    """Yield the rows; SeedUnreadable for one of another length.

    A blank line is no row, but where there is one column: there its cell is empty.
    """
    for row in rows:
        if len(row) != width:
            if row:
                problem = f"the row has {len(row)} cells, and the header has {width}"
                raise SeedUnreadable(seed.shown, _begin(rows, row), problem, _DELIMITER_HINT)
            if width > 1:
                continue
            row.append("")
        if not seed.multiline and any("\n" in cell for cell in row):
            problem = "a cell goes over several lines, and the seed has `multiline: false`"
            raise SeedUnreadable(seed.shown, _begin(rows, row), problem, "close its quote, or set it to true")
        yield row


def _size(row: Sequence[str]) -> int:
    """Return the bytes of a row, as it is written anew."""
    return sum(len(cell.encode()) + cell.count('"') + 3 for cell in row)


def _begin(rows: Any, row: Sequence[str]) -> int:
    """Return the line in which the record begins that was just read."""
    return int(rows.line_num) - sum(cell.count("\n") for cell in row)
