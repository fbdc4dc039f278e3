"""A stage type is a value with one spelling, which DuckDB reads and writes too."""

from __future__ import annotations

import doctest
import random

import duckdb
import pytest

from dvt.core import types
from dvt.core.types import Kind, Part, StageType, UnknownType

NAMES = ("a", "A1", "b c", 'q"r', "x,y", "(", ")", "[3]", "ü€", "select", "1a", "it's", "NULL", "TIMESTAMP")
VALUES = ("a", "", " ", "b''c", "it's", "x, y", ")", "(", '"', "ü", "NULL", "\n", "a'), ('b")
SIZED = {Kind.DECIMAL, Kind.ENUM, Kind.LIST, Kind.ARRAY, Kind.STRUCT, Kind.MAP, Kind.UNION}
NOT_WRITTEN = {Kind.NULL}
"""Kinds that DuckDB prints and does not read."""
PLAIN = sorted(set(Kind) - SIZED - NOT_WRITTEN)


def _generated(random_: random.Random, depth: int = 4) -> StageType:
    """Return a random type, nested up to `depth` times."""
    kind = Kind(random_.choice([*PLAIN, *sorted(SIZED)] if depth else PLAIN))
    if kind is Kind.DECIMAL:
        precision = random_.randint(1, 38)
        return types.decimal(precision, random_.randint(0, precision))
    if kind is Kind.ENUM:
        return StageType(kind, values=tuple(random_.sample(VALUES, random_.randint(1, len(VALUES)))))
    if kind in SIZED:
        names = {
            Kind.LIST: ("element",), Kind.ARRAY: ("element",), Kind.MAP: ("key", "value"),
        }.get(kind) or random_.sample(NAMES, random_.randint(1, 4))  # fmt: skip
        parts = tuple(Part(name, _generated(random_, depth - 1)) for name in names)
        return StageType(kind, parts=parts, size=random_.randint(1, 99) if kind is Kind.ARRAY else None)
    return StageType(kind)


@pytest.mark.parametrize("seed", range(300))
def test_every_type_reads_back_as_what_it_was(seed):
    type_ = _generated(random.Random(seed))

    assert StageType.parse(str(type_)) == type_


def test_duckdb_reads_every_spelling_and_its_own_is_read_back():
    seeds = range(1000, 1300)
    types_ = [_generated(random.Random(seed)) for seed in seeds]
    with duckdb.connect() as connection:
        for type_ in types_:
            (spelled,) = connection.execute(f"SELECT typeof(CAST(NULL AS {type_}))").fetchone()
            assert StageType.parse(spelled) == type_


def test_every_type_without_sizes_is_one_of_duckdbs():
    with duckdb.connect() as connection:
        spelled = [connection.execute(f"SELECT typeof(CAST(NULL AS {kind}))").fetchone()[0] for kind in PLAIN]

    assert spelled == [str(StageType(kind)) for kind in PLAIN]


def test_every_type_of_duckdb_is_known():
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT DISTINCT logical_type FROM duckdb_types() WHERE internal"
        ).fetchall()
    kinds = {kind.value.strip('"') for kind in Kind}

    assert {name for (name,) in rows} - kinds == {"TYPE"}, "TYPE's values are types: it holds no data"


def test_a_field_may_be_named_as_a_type():
    type_ = StageType.parse("STRUCT(HUGEINT INTEGER, xTIMESTAMP TIMESTAMP WITH TIME ZONE)")

    assert [part.name for part in type_.parts] == ["HUGEINT", "xTIMESTAMP"]


@pytest.mark.parametrize("reference", ["OGC:CRS84", "a 'b' (c), d"])
def test_a_geometry_keeps_its_coordinate_reference(reference):
    type_ = StageType(Kind.GEOMETRY, reference=reference)

    assert StageType.parse(str(type_)) == type_
    assert str(StageType.parse("GEOMETRY[]")) == "GEOMETRY[]"


@pytest.mark.parametrize(
    "text",
    [
        *("", "integer", "INTEGER ", " INTEGER", "INTEGERS", "DECIMAL", "DECIMAL(10)", "DECIMAL(10, 2)"),
        *("INTEGER[", "INTEGER[]]", "INTEGER[-1]", "ENUM()", "ENUM('a'", "ENUM('a' 'b')", "MAP(INTEGER)"),
        *("MAP(INTEGER, DATE, TIME)", "STRUCT(a INTEGER", 'STRUCT("" INTEGER)', "STRUCT()", "LIST", "ARRAY"),
        *("STRUCT(INTEGER, VARCHAR)", "STRUCT(TIMESTAMP WITH TIME ZONE)", "UNION(INTEGER)"),
        *("INET", "TIMESTAMP WITH", "GEOMETRY()", "INTEGER; DROP TABLE t"),
    ],
)
def test_a_text_that_is_no_stage_type_is_refused(text):
    with pytest.raises(UnknownType, match="no type of staged columns"):
        StageType.parse(text)


def test_kinds_of_types_are_told_apart():
    of_kind = {kind: StageType(kind) for kind in PLAIN}

    assert {kind for kind, type_ in of_kind.items() if type_.is_integer} == types.INTEGERS
    assert not any(of_kind[kind].is_number for kind in (Kind.BIGNUM, Kind.DOUBLE, Kind.VARCHAR, Kind.BOOLEAN))
    assert types.decimal(5, 2).is_number
    assert {kind for kind, type_ in of_kind.items() if type_.is_approximate} == {Kind.FLOAT, Kind.DOUBLE}
    assert {kind for kind, type_ in of_kind.items() if type_.is_text} == {Kind.VARCHAR}
    assert of_kind[Kind.TIMESTAMPTZ].is_timestamp
    assert not of_kind[Kind.DATE].is_timestamp


def test_types_with_the_same_parts_are_equal():
    assert StageType.parse('STRUCT("a" DECIMAL(5,2))') == StageType.parse("STRUCT(a DECIMAL(5,2))")
    assert len({types.decimal(5, 2), types.decimal(5, 2), types.decimal(5, 1)}) == 2
    assert types.list_of(types.DATE) != types.array_of(types.DATE, 1)


def test_the_examples_hold():
    assert doctest.testmod(types).failed == 0
    assert doctest.testmod(types).attempted > 0
