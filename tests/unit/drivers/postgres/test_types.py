from __future__ import annotations

import pytest

from dvt.core.types import decimal
from dvt.drivers.postgres.load_encodings import load_encoding
from dvt.drivers.postgres.types import CatalogColumn, map_column


def numeric(precision: int, scale: int) -> int:
    return ((precision << 16) | (scale & 0x7FF)) + 4


@pytest.mark.parametrize(
    ("kind", "typmod", "stage", "exact"),
    [
        ("int8", -1, "BIGINT", True),
        ("date", -1, "DATE", True),
        ("timestamp", -1, "TIMESTAMP", True),
        ("timestamptz", -1, "TIMESTAMP WITH TIME ZONE", True),
        ("text", -1, "VARCHAR", False),
        ("float8", -1, "DOUBLE", False),
        ("numeric", numeric(10, 2), "DECIMAL(10,2)", True),
        ("numeric", numeric(38, 38), "DECIMAL(38,38)", True),
        ("numeric", numeric(5, -2), "DECIMAL(7,0)", False),
        ("numeric", numeric(3, 5), "DECIMAL(5,5)", False),
        ("numeric", numeric(39, 2), "DECIMAL(38,2)", False),
        ("numeric", numeric(1000, 0), "DECIMAL(38,0)", False),
        ("numeric", numeric(1000, 1000), "DECIMAL(38,38)", False),
        ("numeric", -1, "DECIMAL(38,18)", False),
        ("_int4", -1, "INTEGER[]", False),
        ("_inet", -1, "VARCHAR", False),
    ],
)
def test_a_type_is_staged_as_one_that_holds_it(kind: str, typmod: int, stage: str, exact: bool) -> None:
    result = map_column(CatalogColumn(name="a", native=kind, kind=kind, typmod=typmod))
    assert (str(result.stage), result.exact) == (stage, exact)


def test_an_array_that_is_declared_with_two_dimensions_is_no_list() -> None:
    grid = map_column(CatalogColumn(name="a", native="integer[]", kind="_int4", dimensions=2))
    assert (str(grid.stage), grid.misfit) == ("VARCHAR", "")


def test_an_enum_has_its_labels_and_an_unknown_type_becomes_text() -> None:
    enum = map_column(CatalogColumn(name="a", native="mood", kind="mood", category="e", labels=("sad", "a}")))
    other = map_column(CatalogColumn(name="a", native="inet", kind="inet"))
    assert (enum.stage.values, enum.ranked, enum.loses) == (("sad", "a}"), True, None)
    assert "inet" in (other.loses or "")


def test_a_name_with_braces_and_quotes_gets_into_its_check_unharmed() -> None:
    result = map_column(CatalogColumn(name="it's {0}", native="numeric", kind="numeric"))
    assert "dvt134|it''s {0}|" in result.read.format('"x"')


@pytest.mark.parametrize(
    ("precision", "scale", "sent", "via"),
    [
        (9, 8, "DECIMAL(9,8)", None),
        (9, 9, "DECIMAL(18,9)", None),
        (10, 9, "DECIMAL(10,9)", None),
        (17, 17, "DECIMAL(38,17)", None),
        (18, 18, "DECIMAL(38,18)", None),
        (38, 18, "DECIMAL(38,18)", None),
        (38, 36, "DECIMAL(38,36)", None),
        (37, 37, "VARCHAR", "text"),
        (38, 38, "VARCHAR", "text"),
    ],
)
def test_decimals_that_the_writer_would_spoil_are_sent_otherwise(
    precision: int, scale: int, sent: str, via: str | None
) -> None:
    result = load_encoding(decimal(precision, scale))
    assert (result.native, str(result.sent), result.via) == (f"numeric({precision},{scale})", sent, via)
