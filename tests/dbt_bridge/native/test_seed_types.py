"""dvt finds in random seeds the names, kinds and number of rows that dbt finds, or is in doubt."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import agate
import duckdb
import pytest
from dbt_common.clients.agate_helper import Number, from_csv

from dvt.connectors.files.seeds import SeedFiles
from dvt.core.errors import SeedColumnInDoubt
from dvt.core.seeds import SeedFile, SeedKind

POOLS = (
    ["1", "02", "-3", " 4 ", "5%", "$6", "-€7", "1,000", "1e3", "+8", ".5", "5.", "1.50", "", "null", "1E-2"],
    ["2020-01-31", "2020-1-5", " 1999-12-31 ", "0001-01-01", "", "NULL", "2020-02-29"],
    ["2020-01-31 10:20:30", "2020-1-5 1:2:3", "", "1999-12-31 23:59:59"],
    ["2020-01-31T10:20:30", "2020-01-31T10:20", "2020-01-31T10:20:30.25", ""],
    ["true", "FALSE", " False ", "", "null"],
    [
        "x",
        "",
        " ",
        "a\nb",
        '"',
        "ß😀",
        "null",
        "01.02.2020",
        "yes",
        "1.2.3",
        "12:30",
        "0x1",
        "1 2",
        "--",
        "-",
    ],
    ["2020-02-30", "2020-13-01", "0000-01-01", "2020-01-01 24:00:00", "20-01-01", "2020-01-01 1:2", "true,"],
)
"""Cells of one kind each, of which a column has some, and at times one of another kind."""
KINDS = (
    (Number, SeedKind.NUMBER),
    (agate.Date, SeedKind.DATE),
    (agate.DateTime, SeedKind.TIMESTAMP),
    (agate.Boolean, SeedKind.BOOLEAN),
    (agate.Text, SeedKind.TEXT),
)


class Memory:
    """An instance of DuckDB."""

    def __init__(self) -> None:
        self._root = duckdb.connect()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self._root.cursor()

    def load(self, extension: str) -> None:
        raise AssertionError(extension)


def cells(chosen: random.Random, rows: int) -> list[str]:
    pool = chosen.choice(POOLS)
    column = [chosen.choice(pool) for _ in range(rows)]
    if chosen.random() < 0.4:
        column[chosen.randrange(rows)] = chosen.choice(chosen.choice(POOLS))
    return column


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_random_columns_are_of_the_kinds_that_dbt_finds(tmp_path: Path) -> None:
    chosen, compared, in_doubt = random.Random(11), dict.fromkeys((kind for _, kind in KINDS), 0), 0
    reader = SeedFiles(Memory(), tmp_path / "scratch")
    file = tmp_path / "seed.csv"
    for _ in range(150):
        rows = chosen.randint(1, 6)
        columns = [["x"] * rows, *(cells(chosen, rows) for _ in range(6))]
        names = [chosen.choice(["a", "b", "", "a_2"]) for _ in columns]
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, lineterminator=chosen.choice(["\n", "\r\n"]))
            writer.writerow(names)
            writer.writerows(zip(*columns, strict=True))
        expected = from_csv(str(file), text_columns=())
        try:
            with reader.open(SeedFile(path=file, shown="seed.csv")) as seed:
                facts = seed.inspect((), 0)
        except SeedColumnInDoubt:
            in_doubt += 1
            continue
        assert [column.name for column in facts.columns] == list(expected.column_names)
        assert facts.rows == len(expected.rows)
        for found, type_, values in zip(facts.columns, expected.column_types, columns, strict=True):
            kind = next(kind for agates, kind in KINDS if isinstance(type_, agates))
            assert found.kind is kind, values
            compared[kind] += 1
            if kind is SeedKind.NUMBER:
                place = expected.column_names.index(found.name)
                decimals = expected.aggregate(agate.MaxPrecision(place))
                assert found.stage.is_approximate == bool(decimals), values
    assert min(compared.values()) > 20, compared
    assert in_doubt < 30
