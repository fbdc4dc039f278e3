"""INSERTs made of Arrow's buffers."""

from __future__ import annotations

import json
import random

import pyarrow as pa
import pytest

from dvt.drivers.jdbc.statements import inserts


def _reader(batches: list[list[str]], offset: int = 0) -> pa.RecordBatchReader:
    texts = [
        [*("left out" for _ in range(offset)), *(json.dumps([row]) + "," for row in rows)] for rows in batches
    ]
    arrays = [pa.array(rows, pa.string()).slice(offset) for rows in texts]
    schema = pa.schema([("row", pa.string())])
    return pa.RecordBatchReader.from_batches(
        schema, [pa.record_batch([rows], schema=schema) for rows in arrays]
    )


def _rows(statements: list[str]) -> list[str]:
    assert all(text.startswith("INSERT [") and text.endswith("]") for text in statements)
    return [row for text in statements for (row,) in json.loads(text.removeprefix("INSERT "))]


@pytest.mark.parametrize("longest", [1, 5, 12, 40, 1000])
@pytest.mark.parametrize("offset", [0, 3])
def test_every_row_is_in_one_statement_in_its_order(longest: int, offset: int):
    chance = random.Random(longest + offset)
    batches = [["é" * chance.randrange(9) for _ in range(chance.randrange(6))] for _ in range(40)]
    statements = list(inserts(_reader(batches, offset), "INSERT [", "]", longest))
    assert _rows(statements) == [row for rows in batches for row in rows]


def test_a_statement_is_as_long_as_it_may_be_unless_one_row_is_longer():
    statements = list(inserts(_reader([["a"] * 7, ["a" * 50, "b"]]), "INSERT [", "]", 18))
    assert [len(json.loads(text.removeprefix("INSERT "))) for text in statements] == [3, 3, 1, 1, 1]


def test_no_rows_are_no_statement():
    assert list(inserts(_reader([[], []]), "INSERT [", "]", 100)) == []
