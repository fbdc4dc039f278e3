"""Rows as the server reads them: a file for LOAD DATA, or the VALUES of INSERT statements.

Both are written by DuckDB and read from a pipe, so no row becomes a Python object.

In the file a field is in quotes where it holds a comma, a quote or the end of a line, quotes in it are
doubled, nothing else is escaped, and NULL is the bare word, which as a text stands in quotes. That is what
DuckDB writes fastest: 6.0 M rows of lineitem took 3.3 s, 5.3 s with quotes around everything.

Of INSERT each line is one row's `(…),`, in which no text spans lines: statements are cut between lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dvt.core.errors import ValueLost
from dvt.drivers.duckdb.sql import literal
from dvt.drivers.duckdb.sql import quoted as duckdb_quoted
from dvt.drivers.mysql import Packing, quoted
from dvt.drivers.pipe import CHUNK

_CSV = """FORMAT csv, HEADER false, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR 'NULL'"""
_FILE = (
    "CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' "
    "LINES TERMINATED BY '\\n' STARTING BY ''"
)
_LINES = "FORMAT csv, HEADER false, DELIMITER ',', QUOTE '', ESCAPE '', NULLSTR ''"
_PLAIN = "'''' || {0} || ''''"
_ESCAPED = r"'''' || replace(replace(replace({0}, '\', '\\'), '''', ''''''), chr(10), '\n') || ''''"
_TEXTS = frozenset({"longtext", "json"})
"""Types whose values may hold what has to be escaped."""
_MOST = 1 << 20
"""Bytes of rows in one INSERT: from 256 kB to 16 MB they took the same time."""
_ROOM = 1 << 10
"""Bytes of a packet that are not the statement's."""


@dataclass(frozen=True, slots=True)
class Into:
    """The table that rows go into, and how."""

    table: str
    """Its name in SQL."""
    names: tuple[str, ...]
    packings: tuple[Packing, ...]
    mark: str
    """Begins every statement."""

    def file_copy(self, select: str, path: str) -> str:
        """DuckDB's statement that writes the file."""
        return f"COPY ({select}) TO {literal(path)} ({_CSV})"

    def load(self, file: str) -> str:
        """The server's statement that asks for it."""
        places, sets = [], []
        for number, (name, one) in enumerate(zip(self.names, self.packings, strict=True)):
            if one.arrives == "{0}":
                places.append(quoted(name))
            else:
                places.append(f"@v{number}")
                sets.append(f"{quoted(name)} = {one.arrives.format(f'@v{number}')}")
        then = f" SET {', '.join(sets)}" if sets else ""
        what = f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE {self.table}"
        return f"/* {self.mark} */ {what} {_FILE} ({', '.join(places)}){then}"

    def lines_copy(self, select: str, path: str) -> str:
        """DuckDB's statement that writes the lines."""
        values = ", ".join(
            f"coalesce({_arriving(duckdb_quoted(name), one)}, 'NULL')"
            for name, one in zip(self.names, self.packings, strict=True)
        )
        row = f"'(' || concat_ws(',', {values}) || '),'"
        return f"COPY (SELECT {row} FROM ({select})) TO {literal(path)} ({_LINES})"

    def inserts(self, read: Callable[[int], bytes], packet: int, where: str) -> Iterator[bytes]:
        """INSERT statements of the lines that `read` gives, within the server's `max_allowed_packet`."""
        names = ", ".join(quoted(one) for one in self.names)
        begin = f"/* {self.mark} */ INSERT INTO {self.table} ({names}) VALUES ".encode()
        room = min(_MOST, packet - len(begin) - _ROOM)
        held = bytearray()
        while data := read(CHUNK):
            held += data
            while len(held) > room:
                end = held.rfind(b"\n", 0, room)
                if end < 0:
                    end = held.find(b"\n", room)
                    if end < 0:
                        break
                    _refuse_larger(end + len(begin) + _ROOM, packet, where)
                yield _statement(begin, held, end)
        if held:
            yield _statement(begin, held, len(held) - 1)


def _arriving(value: str, one: Packing) -> str:
    """DuckDB SQL of the server's SQL for a value; NULL for NULL."""
    before, after = one.arrives.split("{0}")
    text = (_ESCAPED if one.native in _TEXTS else _PLAIN).format(f"CAST({value} AS VARCHAR)")
    return f"{literal(before)} || {text} || {literal(after)}" if before or after else text


def _statement(begin: bytes, held: bytearray, end: int) -> bytes:
    """Take the lines before `end`: without the last one's comma."""
    lines = bytes(held[: end - 1])
    del held[: end + 1]
    return begin + lines


def _refuse_larger(size: int, packet: int, where: str) -> None:
    if size > packet:
        problem = f"a row takes {size} bytes, the server's max_allowed_packet is {packet}"
        raise ValueLost(where, problem, "raise max_allowed_packet on the server, or set local_infile = ON")
