"""Rows as the server reads them: a file for LOAD DATA, or the VALUES of INSERT statements.

Both are written by DuckDB and read from a pipe, so no row becomes a Python object.

In the file a field is in quotes where it holds a comma, a quote or the end of a line, quotes in it are
doubled, nothing else is escaped, and NULL is the bare word, which as a text stands in quotes. That is what
DuckDB writes fastest: 6.0 M rows of lineitem took 3.3 s, 5.3 s with quotes around everything.

For INSERT, each line is one row's `(…),`. No text spans lines, so statements are cut between lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dvt.core.errors import ValueLost
from dvt.drivers.duckdb.sql import literal
from dvt.drivers.duckdb.sql import quoted as duckdb_quoted
from dvt.drivers.mysql import LoadEncoding, quoted
from dvt.drivers.pipe import CHUNK

_FILE_FORMAT = """FORMAT csv, HEADER false, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR 'NULL'"""
"""Options of DuckDB's COPY that write the file of LOAD DATA."""
_FILE_FIELDS = (
    "CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' "
    "LINES TERMINATED BY '\\n' STARTING BY ''"
)
"""Clauses of LOAD DATA that read that file."""
_LINE_FORMAT = "FORMAT csv, HEADER false, DELIMITER ',', QUOTE '', ESCAPE '', NULLSTR ''"
"""Options of DuckDB's COPY that write a text per line, as it is."""
_PLAIN = "'''' || {0} || ''''"
"""DuckDB SQL: a text in the server's quotes, as it is."""
_ESCAPED = r"'''' || replace(replace(replace({0}, '\', '\\'), '''', ''''''), chr(10), '\n') || ''''"
"""DuckDB SQL: a text in the server's quotes, with what has to be escaped in it."""
_ESCAPED_TYPES = frozenset({"longtext", "json"})
"""Column types whose values may hold characters that have to be escaped."""
_MAX_INSERT_BYTES = 1 << 20
"""Bytes of rows in one INSERT: INSERTs of 256 kB to 16 MB took the same time."""
_PACKET_OVERHEAD = 1 << 10
"""Bytes of `max_allowed_packet` kept free for what is not the statement's text."""


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """The table that rows go into, and how each column's values are encoded."""

    table: str
    """Its name in SQL."""
    names: tuple[str, ...]
    encodings: tuple[LoadEncoding, ...]
    mark: str
    """Comment that begins every statement, by which `cancel` finds it."""

    def file_copy(self, select: str, path: str) -> str:
        """Return DuckDB's statement that writes the file."""
        return f"COPY ({select}) TO {literal(path)} ({_FILE_FORMAT})"

    def load(self, file: str) -> str:
        """Return the server's LOAD DATA statement for the file."""
        fields, assignments = [], []
        for number, (name, encoding) in enumerate(zip(self.names, self.encodings, strict=True)):
            if encoding.arrives == "{0}":
                fields.append(quoted(name))
            else:
                fields.append(f"@v{number}")
                assignments.append(f"{quoted(name)} = {encoding.arrives.format(f'@v{number}')}")
        set_clause = f" SET {', '.join(assignments)}" if assignments else ""
        load = f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE {self.table}"
        return f"/* {self.mark} */ {load} {_FILE_FIELDS} ({', '.join(fields)}){set_clause}"

    def lines_copy(self, select: str, path: str) -> str:
        """Return DuckDB's statement that writes one line per row, for INSERT."""
        values = ", ".join(
            f"coalesce({_insert_value(duckdb_quoted(name), encoding)}, 'NULL')"
            for name, encoding in zip(self.names, self.encodings, strict=True)
        )
        row = f"'(' || concat_ws(',', {values}) || '),'"
        return f"COPY (SELECT {row} FROM ({select})) TO {literal(path)} ({_LINE_FORMAT})"

    def inserts(self, read: Callable[[int], bytes], packet: int, where: str) -> Iterator[bytes]:
        """Yield INSERT statements of the lines from `read`, each within `packet`, the max_allowed_packet."""
        names = ", ".join(quoted(name) for name in self.names)
        begin = f"/* {self.mark} */ INSERT INTO {self.table} ({names}) VALUES ".encode()
        room = min(_MAX_INSERT_BYTES, packet - len(begin) - _PACKET_OVERHEAD)
        lines = bytearray()
        while data := read(CHUNK):
            lines += data
            while len(lines) > room:
                end = lines.rfind(b"\n", 0, room)
                if end < 0:
                    end = lines.find(b"\n", room)
                    if end < 0:
                        break
                    _refuse_too_large(end + len(begin) + _PACKET_OVERHEAD, packet, where)
                yield _statement(begin, lines, end)
        if lines:
            yield _statement(begin, lines, len(lines) - 1)


def _insert_value(value: str, encoding: LoadEncoding) -> str:
    """Return DuckDB SQL that writes the server's SQL for a value; NULL for NULL."""
    before, after = encoding.arrives.split("{0}")
    text = (_ESCAPED if encoding.native in _ESCAPED_TYPES else _PLAIN).format(f"CAST({value} AS VARCHAR)")
    return f"{literal(before)} || {text} || {literal(after)}" if before or after else text


def _statement(begin: bytes, lines: bytearray, end: int) -> bytes:
    """Take the lines up to `end` out of `lines`; return their INSERT, without the last line's comma."""
    statement = begin + bytes(lines[: end - 1])
    del lines[: end + 1]
    return statement


def _refuse_too_large(size: int, packet: int, where: str) -> None:
    if size > packet:
        problem = f"a row takes {size} bytes, the server's max_allowed_packet is {packet}"
        raise ValueLost(where, problem, "raise max_allowed_packet on the server, or set local_infile = ON")
