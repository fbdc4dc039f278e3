"""How MySQL and MariaDB spell a column's values, so that each comes back bit by bit.

Functions that make texts give NULL where their result is longer than a packet of the server: then, and
where a text cannot be given again, LOST is read, and the row stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from dvt.lifecycle.tables.dialect import Spelling, Value

_BYTES = "\0"
"""The beginning of a text that Unicode cannot say: what follows are its bytes, in hex."""
LOST = "\0?"
"""What is read instead of a value that cannot be read whole, or not be given again."""
_EMPTY_MEMBER = ("('',", ",'',", ",'')", "('')")
"""How a type shows that the empty text is one of its values."""


@dataclass(frozen=True, slots=True)
class Described:
    """A column as information_schema has it."""

    name: str
    kind: str
    """Its type's name alone, e.g. `bigint`."""
    native: str
    """Its whole type, e.g. `bigint(20) unsigned`."""
    precision: int | None
    scale: int | None
    charset: str | None
    extra: str

    @property
    def is_generated(self) -> bool:
        """Whether the server computes it."""
        return any(word in self.extra.upper() for word in ("VIRTUAL", "STORED", "PERSISTENT"))


def spelling(column: Described) -> Spelling | None:
    """Return how a column's values are read and given; None of a type that is not known."""
    of = _SPELLINGS.get(column.kind)
    return of(column) if callable(of) else of


def _cast(type_: str) -> Callable[[str, Value], str]:
    return lambda name, _value: f"CAST(:{name} AS {type_})"


def _whole(sql: str, column: str) -> str:
    """Return SQL that is LOST where an expression is NULL and its column is not."""
    return f"COALESCE({sql}, CASE WHEN {column} IS NOT NULL THEN CONCAT(CHAR(0 USING utf8mb4), '?') END)"


def _integer(column: Described) -> Spelling:
    unsigned = "unsigned" in column.native or "zerofill" in column.native
    return Spelling(read=_AS_CHAR, given=_cast("UNSIGNED" if unsigned else "SIGNED"))


def _decimal(column: Described) -> Spelling:
    return Spelling(read=_AS_CHAR, given=_cast(f"DECIMAL({column.precision}, {column.scale})"))


def _text(column: Described) -> Spelling:
    charset = column.charset or "utf8mb4"
    return Spelling(
        read=partial(_read_text, charset),
        given=partial(_given_text, charset),
        exact=lambda sql: f"CAST(CONVERT({sql} USING {charset}) AS BINARY)",
    )


def _read_text(charset: str, column: str) -> str:
    """Return SQL of the text, of its bytes where Unicode says it otherwise, or LOST."""
    stored, unicode = f"CAST({column} AS BINARY)", f"CONVERT({column} USING utf8mb4)"
    # By way of UTF-16, which has no halves of characters: UCS-2 may hold one, which no client can read.
    again = f"CAST(CONVERT(CONVERT({unicode} USING utf16) USING {charset}) AS BINARY)"
    of_bytes = f"CAST(CONVERT({stored} USING {charset}) AS BINARY)"
    cases = (
        f"CASE WHEN {again} = {stored} AND CAST(LEFT({unicode}, 1) AS BINARY) <> CHAR(0) THEN {unicode} "
        f"WHEN {of_bytes} = {stored} THEN CONCAT(CHAR(0 USING utf8mb4), HEX({stored})) END"
    )
    return _whole(cases, column)


def _given_text(charset: str, name: str, value: Value) -> str:
    if isinstance(value, str) and value.startswith(_BYTES):
        return f"CONVERT(UNHEX(SUBSTRING(:{name}, 2)) USING {charset})"
    return f":{name}"


def _listed(column: Described) -> Spelling:
    """Return the spelling of an ENUM or SET: texts, or numbers where the empty text may mean two of them."""
    if any(part in column.native for part in _EMPTY_MEMBER):
        return Spelling(read="CAST({} + 0 AS CHAR)".format, given=_cast("UNSIGNED"))
    return _text(column)


_AS_CHAR = "CAST({} AS CHAR)".format
_PLAIN = Spelling(read=_AS_CHAR)
_FLOATING = Spelling(
    # By itself a FLOAT shows six digits.
    read="CAST({} * 1e0 AS CHAR)".format,
    given=lambda name, _value: f"(:{name} * 1e0)",
)
_HEX = Spelling(
    read=lambda column: _whole(f"HEX({column})", column), given=lambda name, _value: f"UNHEX(:{name})"
)
_NATIVE_JSON = Spelling(
    read=lambda column: _whole(
        f"CASE WHEN CAST(CAST(CAST({column} AS CHAR) AS JSON) AS CHAR) = CAST({column} AS CHAR) "
        f"THEN CAST({column} AS CHAR) END",
        column,
    ),
    given=_cast("JSON"),
)
"""MySQL's. MariaDB's JSON is a text."""
_SPELLINGS: Mapping[str, Spelling | Callable[[Described], Spelling]] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint"), _integer),
    "decimal": _decimal,
    **dict.fromkeys(("float", "double"), _FLOATING),
    "bit": Spelling(read="CAST(CAST({} AS UNSIGNED) AS CHAR)".format, given=_cast("UNSIGNED")),
    **dict.fromkeys(("date", "datetime", "time", "uuid", "inet4", "inet6"), _PLAIN),
    "timestamp": Spelling(read=_AS_CHAR, ending="+00:00"),
    "year": Spelling(read=_AS_CHAR, ending="-12-31"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), _text),
    **dict.fromkeys(("enum", "set"), _listed),
    **dict.fromkeys(("binary", "varbinary"), _HEX),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), Spelling()),
    "json": _NATIVE_JSON,
    **dict.fromkeys(("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"), _HEX),
    **dict.fromkeys(("multipolygon", "geometrycollection", "geomcollection", "vector"), _HEX),
}
"""`DATA_TYPE` → the spelling, or what gives it by size, sign or character set."""
