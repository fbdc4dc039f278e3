"""LOAD DATA and INSERT statements for rows, and how lines of rows are cut into statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from dvt.connectors.mysql.rows import LoadTarget
from dvt.core.errors import ValueLost
from dvt.drivers.mysql import LoadEncoding

_PLAIN, _BYTES = LoadEncoding("longtext"), LoadEncoding("longblob", "hex({0})", "UNHEX({0})")
_TARGET = LoadTarget("`s`.`t`", ("a`", "{0}"), (_PLAIN, _BYTES), "dvt 1f")


def test_load_data_names_the_columns_and_the_format() -> None:
    assert _TARGET.load("dvt-1f") == (
        "/* dvt 1f */ LOAD DATA LOCAL INFILE 'dvt-1f' INTO TABLE `s`.`t` CHARACTER SET utf8mb4 "
        "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' "
        "LINES TERMINATED BY '\\n' STARTING BY '' (`a```, @v1) SET `{0}` = UNHEX(@v1)"
    )


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], bytes]:
    """Return a function that runs a COPY and returns the bytes that DuckDB wrote."""

    def write(copy: str) -> bytes:
        with duckdb.connect() as engine:
            engine.execute(copy)
        return (tmp_path / "out").read_bytes()

    return write


def test_the_file_tells_null_from_empty_text_and_escapes_nothing(
    written: Callable[[str], bytes], tmp_path: Path
) -> None:
    select = (
        "SELECT * FROM (VALUES ('NULL', NULL), (NULL, ''), ('q\"' || chr(10) || ',', '\\N'), ('', ' x')) t"
    )
    assert written(_TARGET.file_copy(select, str(tmp_path / "out"))) == (
        b'"NULL",NULL\nNULL,\n"q""\n,",\\N\n, x\n'
    )


def test_a_line_of_an_insert_is_one_row(written: Callable[[str], bytes], tmp_path: Path) -> None:
    select = (
        """SELECT 'it''s \\ "x",' || chr(10) || chr(0) AS "a`", '00FF' AS "{0}" UNION ALL SELECT NULL, NULL"""
    )
    lines = written(_TARGET.lines_copy(select, str(tmp_path / "out")))
    assert lines == b"('it''s \\\\ \"x\",\\n\x00',UNHEX('00FF')),\n(NULL,NULL),\n"


def _reader(data: bytes, size: int) -> Callable[[int], bytes]:
    pieces: Iterator[bytes] = (data[start : start + size] for start in range(0, len(data), size))
    return lambda _: next(pieces, b"")


@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
@pytest.mark.parametrize("packet", [1200, 1500, 1 << 24])
def test_statements_are_cut_between_lines(size: int, packet: int) -> None:
    lines = [b"('%d','%s')" % (number, b"x" * (number % 40)) for number in range(200)]
    data = b"".join(line + b",\n" for line in lines)
    statements = list(_TARGET.inserts(_reader(data, size), packet, "t"))
    begin = b"/* dvt 1f */ INSERT INTO `s`.`t` (`a```, `{0}`) VALUES "
    assert all(statement.startswith(begin) and len(statement) <= packet for statement in statements)
    assert b",\n".join(statement.removeprefix(begin) for statement in statements) == b",\n".join(lines)
    assert (len(statements) == 1) == (packet == 1 << 24)


def test_a_row_that_no_statement_could_hold_is_an_error() -> None:
    data = b"('%s'),\n" % (b"x" * 3000)
    with pytest.raises(ValueLost, match="max_allowed_packet is 2048"):
        list(_TARGET.inserts(_reader(data, 100), 2048, "t"))
