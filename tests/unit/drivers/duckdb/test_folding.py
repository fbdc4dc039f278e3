from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from dvt.drivers.duckdb import FOLDINGS, define_foldings

PRINTABLE = "".join(chr(code) for code in range(32, 127))


@pytest.fixture(scope="module")
def db() -> Iterator[Any]:
    with duckdb.connect() as connection:
        for one in FOLDINGS.values():
            define_foldings(connection, f"{one.equal} {one.upper} {one.lower}".upper())
        yield connection


def one(db: Any, call: str, *values: str | None) -> Any:
    return db.execute(f"SELECT {call}", list(values)).fetchone()[0]


@pytest.mark.parametrize("name", sorted(name for name in FOLDINGS if name.endswith("_ci")))
def test_printable_ascii_is_upper_case_and_nulls_stay(db: Any, name: str):
    folding = FOLDINGS[name]
    # beside another character the text does not take the short way
    for function in (folding.equal, folding.like):
        assert one(db, f"{function}(?)", PRINTABLE) == PRINTABLE.upper()
        assert one(db, f"{function}(? || chr(233))", PRINTABLE)[:-1] == PRINTABLE.upper()
    for function in (folding.equal, folding.like, folding.order):
        assert one(db, f"{function}(CAST(? AS VARCHAR))", None) is None
        assert one(db, f"{function}(?)", "").rstrip("\x03") == ""
    assert one(db, f"{folding.pattern}(?, '!')", r"a!%b_!!\%") == r"A\%B_!\\%"


@pytest.mark.parametrize("name", sorted(name for name in FOLDINGS if FOLDINGS[name].order))
def test_the_order_is_that_of_texts_padded_with_spaces(db: Any, name: str):
    order = FOLDINGS[name].order
    texts = ["a \t", "a\tb", "a  \tz", "a", "a  b", "a b", "ab"]
    expected = sorted(texts, key=lambda text: text.ljust(9))
    assert sorted(texts, key=lambda text: one(db, f"{order}(?)", text).encode()) == expected
    assert one(db, f"{order}(?)", "a  ") == one(db, f"{order}(?)", "a")


def test_folding_is_defined_for_one_connection_alone(db: Any):
    with db.cursor() as other, pytest.raises(duckdb.CatalogException):
        other.execute("SELECT dvt_utf8mb4_general_ci('a')")
