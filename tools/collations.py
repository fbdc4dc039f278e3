"""Reads the weights of every character from a MariaDB, and writes them where DuckDB's driver reads them.

It starts the tests' own server. With --check it only says which of the files are stale.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "src" / "dvt" / "drivers" / "duckdb" / "collations"
PER_LINE = 16
"""Weights, or pairs of letters, on a line of a file, at most."""
HEAD = """\
# {name}: the weights of every character, by code point. Written by tools/collations.py.
# A range or a first code point, then weights of the characters in order: hexadecimal, `-` for none,
# `=` for its own code point, `FB40*` for that and a second one, which follows from the code point.
"""
CASE_HEAD = "# What UPPER and LOWER make of the characters of {charset}. Written by tools/collations.py.\n"
CHARSETS = ("utf8mb4", "latin1")
_SURROGATES = range(0xD800, 0xE000)
_MAX_SINGLE_STEPS = 2
"""Code points after the first of a run: up to so many, the run is listed one by one, not as a range."""
_ONE_WEIGHT = 4
"""Hexadecimal digits of one weight."""
_BASES = (0xFB40, 0xFB80, 0xFBC0)
"""First weights that the Unicode collation algorithm derives for characters without a weight of their own."""
_CHARACTERS = (
    "create temporary table characters (code int primary key, one varchar(1) charset utf8mb4) charset utf8mb4"
)


def fill(cursor: Any) -> None:
    """Make a table of all characters."""
    cursor.execute(_CHARACTERS)
    codes = [code for code in range(0x110000) if code not in _SURROGATES]
    for at in range(0, len(codes), 20_000):
        rows = [(code, chr(code)) for code in codes[at : at + 20_000]]
        cursor.executemany("insert into characters values (%s, %s)", rows)


def unicode_weights(cursor: Any, name: str) -> dict[int, str]:
    """Return the weights of a collation of utf8mb4, by code point."""
    cursor.execute(f"select code, hex(weight_string(one collate {name})) from characters")
    return dict(cursor.fetchall())


def latin1_weights(cursor: Any, name: str) -> dict[int, str]:
    """Return the weights of a collation of latin1 (MariaDB's name for Windows' 1252), by code point."""
    byte = "convert(char(code) using latin1)"
    utf8 = f"hex(convert(convert({byte} using utf8mb4) using utf32))"
    cursor.execute(
        f"select {utf8}, hex(weight_string({byte} collate {name})) from characters where code < 256"
    )
    return {int(code, 16): weight for code, weight in cursor.fetchall()}


COLLATIONS: dict[str, Callable[[Any, str], dict[int, str]]] = {
    "utf8mb4_general_ci": unicode_weights,
    "utf8mb4_unicode_ci": unicode_weights,
    "latin1_swedish_ci": latin1_weights,
}


def cases(cursor: Any, charset: str) -> str:
    """Return the file of upper and lower letters of a character set, which all its collations share."""
    character = "one" if charset == "utf8mb4" else f"convert(one using {charset})"
    where = (
        "" if charset == "utf8mb4" else f"where convert({character} using utf8mb4) = one collate utf8mb4_bin"
    )
    parts = [CASE_HEAD.format(charset=charset)]
    for way in ("upper", "lower"):
        cursor.execute(
            f"select code, convert({way}({character}) using utf8mb4) from characters {where} order by code"
        )
        pairs = [
            f"{code:04X}:{ord(changed):04X}" for code, changed in cursor.fetchall() if ord(changed) != code
        ]
        parts += [f"{way} {' '.join(pairs[at : at + PER_LINE])}\n" for at in range(0, len(pairs), PER_LINE)]
    return "".join(parts)


def page(name: str, weights: dict[int, str]) -> str:
    """Return a collation's file."""
    return HEAD.format(name=name) + "".join(f"{line}\n" for line in _lines(weights))


def _lines(weights: dict[int, str]) -> Iterator[str]:
    words = {code: _word(code, weight) for code, weight in sorted(weights.items())}
    run: list[str] = []
    first = -1
    for low, high, word in _ranges(words):
        if run and (low != first + len(run) or high > low or len(run) == PER_LINE):
            yield f"{first:04X} {' '.join(run)}"
            run = []
        if high > low:
            yield f"{low:04X}-{high:04X} {word}"
            continue
        first = first if run else low
        run.append(word)
    if run:
        yield f"{first:04X} {' '.join(run)}"


def _ranges(words: dict[int, str]) -> Iterator[tuple[int, int, str]]:
    """Yield (first, last, word): runs of at least four code points with one word, else single code points."""
    runs: list[list[Any]] = []
    for code, word in words.items():
        if runs and runs[-1][1] == code - 1 and runs[-1][2] == word:
            runs[-1][1] = code
        else:
            runs.append([code, code, word])
    for low, high, word in runs:
        if high - low > _MAX_SINGLE_STEPS:
            yield low, high, word
        else:
            yield from ((code, code, word) for code in range(low, high + 1))


def _word(code: int, weight: str | None) -> str:
    """Return a weight as the file spells it."""
    if not weight:
        return "-"
    if len(weight) == _ONE_WEIGHT and int(weight, 16) == code:
        return "="
    for base in _BASES:
        if weight == f"{base + (code >> 15):04X}{code & 0x7FFF | 0x8000:04X}":
            return f"{base:04X}*"
    return weight


def pages(cursor: Any) -> dict[str, str]:
    """Return the text of every file, from a server's answers."""
    fill(cursor)
    cased = {f"{charset}_case": cases(cursor, charset) for charset in CHARSETS}
    return cased | {name: page(name, ask(cursor, name)) for name, ask in COLLATIONS.items()}


def ask_a_server() -> dict[str, str]:
    """Return the text of every file, from a server that the tests' code starts."""
    sys.path.insert(0, str(ROOT))
    from tests.databases.mariadb import mariadb

    with mariadb() as server, server.owner() as connection, connection.cursor() as cursor:
        return pages(cursor)


def main(arguments: list[str]) -> int:
    """Write the files; with --check only compare them."""
    fresh = ask_a_server()
    files = {name: FOLDER / f"{name}.txt" for name in fresh}
    stale = [
        name for name, file in files.items() if not file.exists() or file.read_text("utf-8") != fresh[name]
    ]
    for name in stale:
        if "--check" in arguments:
            print(f"{files[name]} is stale")
        else:
            files[name].write_text(fresh[name], encoding="utf-8")
            print(f"wrote {files[name]}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
