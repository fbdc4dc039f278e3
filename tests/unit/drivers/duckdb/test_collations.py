"""Functions that compare text as MySQL's collations do."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from dataclasses import astuple, replace
from typing import Any

import duckdb
import pytest

from dvt.drivers.duckdb.collations import COLLATIONS, define_functions, macros

PRINTABLE = "".join(chr(code) for code in range(32, 127))


@pytest.fixture(scope="module")
def db() -> Iterator[Any]:
    with duckdb.connect() as connection:
        names = (
            name for functions in COLLATIONS.values() for name in astuple(replace(functions, own="")) if name
        )
        define_functions(connection, sorted(set(names)))
        yield connection


def scalar(db: Any, call: str, *values: str | None) -> Any:
    return db.execute(f"SELECT {call}", list(values)).fetchone()[0]


@pytest.mark.parametrize("name", sorted(name for name in COLLATIONS if name.endswith("_ci")))
def test_printable_ascii_is_upper_case_and_nulls_stay(db: Any, name: str):
    functions = COLLATIONS[name]
    # A character outside of ASCII makes the function take its long path.
    for function in (functions.equal, functions.like):
        assert scalar(db, f"{function}(?)", PRINTABLE) == PRINTABLE.upper()
        assert scalar(db, f"{function}(? || chr(233))", PRINTABLE)[:-1] == PRINTABLE.upper()
    for function in (functions.equal, functions.like, functions.order):
        assert scalar(db, f"{function}(CAST(? AS VARCHAR))", None) is None
        assert scalar(db, f"{function}(?)", "").rstrip("\x03") == ""
    assert scalar(db, f"{functions.pattern}(?, '!')", r"a!%b_!!\%") == r"A\%B_!\\%"


@pytest.mark.parametrize(
    "name", sorted(name for name in COLLATIONS if COLLATIONS[name].order and "sqlite" not in name)
)
def test_the_order_is_that_of_texts_padded_with_spaces(db: Any, name: str):
    order = COLLATIONS[name].order
    texts = ["a \t", "a\tb", "a  \tz", "a", "a  b", "a b", "ab"]
    expected = sorted(texts, key=lambda text: text.ljust(9))
    assert sorted(texts, key=lambda text: scalar(db, f"{order}(?)", text).encode()) == expected
    assert scalar(db, f"{order}(?)", "a  ") == scalar(db, f"{order}(?)", "a")


def test_functions_are_defined_for_one_connection_alone(db: Any):
    with db.cursor() as other, pytest.raises(duckdb.CatalogException):
        other.execute("SELECT dvt_utf8mb4_general_ci('a')")


def test_only_what_is_named_is_defined():
    with duckdb.connect() as connection:
        define_functions(connection, ["dvt_utf8mb4_general_ci_order"])
        assert scalar(connection, "dvt_utf8mb4_general_ci_order('é')") == "E\x03"
        with pytest.raises(duckdb.CatalogException):
            connection.execute("SELECT dvt_utf8mb4_general_ci('é')")


def test_the_example_in_the_module_is_true():
    failed, attempted = doctest.testmod(macros)
    assert attempted
    assert not failed
