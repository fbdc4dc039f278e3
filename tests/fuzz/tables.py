"""The tables that random queries read: every kind of value, many NULLs, hostile texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

KINDS: Mapping[str, Mapping[str, str]] = {
    "int": {"duckdb": "INTEGER", "postgres": "integer", "mysql": "int"},
    "big": {"duckdb": "BIGINT", "postgres": "bigint", "mysql": "bigint"},
    "dec": {"duckdb": "DECIMAL(10,2)", "postgres": "numeric(10,2)", "mysql": "decimal(10,2)"},
    "float": {"duckdb": "DOUBLE", "postgres": "double precision", "mysql": "double"},
    "text": {"duckdb": "VARCHAR", "postgres": "text", "mysql": "varchar(40)"},
    "date": {"duckdb": "DATE", "postgres": "date", "mysql": "date"},
    "ts": {"duckdb": "TIMESTAMP", "postgres": "timestamp", "mysql": "datetime(6)"},
    "bool": {"duckdb": "BOOLEAN", "postgres": "boolean", "mysql": "boolean"},
}
"""Kind of a column → dialect → its declared type."""

LITERALS: Mapping[str, tuple[str, ...]] = {
    "int": ("0", "1", "2", "3", "-1", "7", "10"),
    "big": ("0", "1", "-5", "3000000000", "20"),
    "dec": ("0.00", "1.50", "2.25", "-3.10", "0.05", "99.99", "1.005"),
    "float": ("0.5", "2.25", "-1.5", "1e3"),
    "text": ("''", "'a'", "'A'", "'ab'", "' a'", "'a '", "'b%'", "'10'", "'ä'", "'it''s'", "'a_b'"),
    "date": ("DATE '2024-01-01'", "DATE '2024-02-29'", "DATE '2023-12-31'", "DATE '2024-12-30'"),
    "ts": ("TIMESTAMP '2024-01-01 00:00:00'", "TIMESTAMP '2024-02-29 13:45:30.5'"),
    "bool": ("TRUE", "FALSE"),
}
"""Kind → literals, written alike in every dialect."""


@dataclass(frozen=True, slots=True)
class FuzzTable:
    """A table: its columns (name → kind) and rows of literals; `id` is unique and never NULL."""

    name: str
    columns: Mapping[str, str]
    rows: tuple[tuple[str, ...], ...]

    def ddl(self, dialect: str) -> str:
        """Return the columns of its CREATE TABLE, without the brackets."""
        return ", ".join(
            f"{name} {KINDS[kind][dialect]}{' primary key' if name == 'id' else ''}"
            for name, kind in self.columns.items()
        )

    def values(self) -> str:
        """Return its rows as VALUES lists."""
        return ", ".join(f"({', '.join(row)})" for row in self.rows)


_T1 = FuzzTable(
    "t1",
    {"id": "int", "k": "int", "p": "dec", "s": "text", "d": "date", "b": "bool"},
    (
        ("1", "1", "1.50", "'a'", "'2024-01-01'", "TRUE"),
        ("2", "1", "NULL", "'A'", "'2024-02-29'", "FALSE"),
        ("3", "2", "-3.10", "NULL", "NULL", "NULL"),
        ("4", "NULL", "0.00", "''", "'2023-12-31'", "TRUE"),
        ("5", "3", "99.99", "'a_b'", "'2024-01-01'", "FALSE"),
        ("6", "3", "2.25", "'ä'", "'2024-12-30'", "NULL"),
        ("7", "2", "7.00", "'a '", "NULL", "TRUE"),
        ("8", "0", "0.05", "'it''s'", "'2000-02-29'", "TRUE"),
    ),
)
_T2 = FuzzTable(
    "t2",
    {"id": "int", "k": "int", "n": "big", "q": "dec", "t": "text", "ts": "ts"},
    (
        ("1", "1", "10", "1.50", "'one'", "'2024-01-01 00:00:00'"),
        ("2", "2", "NULL", "NULL", "NULL", "NULL"),
        ("3", "2", "-5", "5.25", "'Three'", "'2024-02-29 13:45:30.5'"),
        ("7", "3", "3000000000", "-1.00", "'ab'", "'2023-12-31 23:59:59.999999'"),
        ("9", "NULL", "0", "10.00", "'x%y'", "'2024-12-30 08:05:09'"),
        ("10", "1", "20", "0.01", "''", "'1999-02-28 12:00:00'"),
    ),
)
_T3 = FuzzTable(
    "t3",
    {"id": "int", "k": "int", "f": "float", "s": "text", "d": "date", "p": "dec"},
    (
        ("1", "1", "0.5", "'a'", "'2024-01-01'", "1.50"),
        ("2", "3", "NULL", "'AB'", "'2024-01-31'", "2.25"),
        ("3", "NULL", "-1.5", "NULL", "NULL", "NULL"),
        ("4", "2", "1000.25", "'10'", "'1900-03-01'", "-0.01"),
        ("5", "2", "2.5", "' a'", "'2024-02-29'", "99999999.99"),
    ),
)
_T4 = FuzzTable("t4", {"id": "int", "k": "int", "s": "text"}, ())

TABLES = (_T1, _T2, _T3, _T4)
