"""BigQuery's SQL and types in the stand-in: what it accepts, and how DuckDB computes it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

PROJECT = "dvt-tests"
_TYPES = {
    "INT64": "BIGINT", "FLOAT64": "DOUBLE", "BOOL": "BOOLEAN", "STRING": "VARCHAR", "BYTES": "BLOB",
    "DATE": "DATE", "TIME": "TIME", "DATETIME": "TIMESTAMP", "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "JSON": "JSON", "GEOGRAPHY": "VARCHAR", "INTERVAL": "INTERVAL", "RANGE": "VARCHAR",
}  # fmt: skip
"""BigQuery's type → DuckDB's."""
_ANSWERED = {
    **{own: name for name, own in _TYPES.items() if name not in {"GEOGRAPHY", "RANGE"}},
    **dict.fromkeys(("INTEGER", "SMALLINT", "TINYINT", "HUGEINT", "UBIGINT"), "INT64"),
    "FLOAT": "FLOAT64",
}
"""DuckDB's type of an answer → BigQuery's."""
_FUNCTIONS = frozenset({"session_user"})
"""Functions of BigQuery that SQLGlot does not know by a class of its own."""
_TABLE_CATEGORIES = ("L", "M", "N", "Pc", "Pd", "Zs")
"""Kinds of characters that the name of a table may have."""
_COLUMN_CHARACTERS = "&%=+:'<>#|"
"""Others that the name of a column may have."""
_RESERVED = ("_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER")
_SIZED = re.compile(r"(\w+)(?:\((\d+)(?:, ?(\d+))?\))?\Z")

Field = dict[str, Any]
"""A column, as the API has it."""


class Refused(Exception):
    """What BigQuery would refuse, with its own word for that."""

    def __init__(self, message: str, reason: str = "invalidQuery") -> None:
        super().__init__(message)
        self.reason = reason


def check_table_name(name: str) -> None:
    """Refuse a name that no table can have."""
    if not name or not all(unicodedata.category(one).startswith(_TABLE_CATEGORIES) for one in name):
        raise Refused(f'Invalid table ID "{name}".', "invalid")


def check_field(field: Field) -> None:
    """Refuse a name that no column can have, and sizes that no type has."""
    name, kind = field["name"], field["type"]
    allowed = all(
        unicodedata.category(one).startswith(_TABLE_CATEGORIES) or one in _COLUMN_CHARACTERS for one in name
    )
    if not name or len(name) > 300 or not allowed or name.upper().startswith(_RESERVED):
        raise Refused(f"Invalid field name {name!r}.", "invalid")
    precision, scale = int(field.get("precision") or 0), int(field.get("scale") or 0)
    most, whole = (9, 29) if kind == "NUMERIC" else (38, 38)
    if precision and (kind not in {"NUMERIC", "BIGNUMERIC"} or scale > most or precision > scale + whole):
        raise Refused(f"Invalid precision of {name}: {kind}({precision},{scale})", "invalid")


def duckdb_type(field: Field) -> str:
    """Return the DuckDB type of a column."""
    kind = field["type"]
    if kind == "STRUCT":
        parts = ", ".join(f"{quoted(part['name'])} {duckdb_type(part)}" for part in field["fields"])
        type_ = f"STRUCT({parts})"
    elif kind in {"NUMERIC", "BIGNUMERIC"}:
        default = (38, 9) if kind == "NUMERIC" else (38, 19)
        given = int(field.get("precision") or default[0]), int(field.get("scale") or 0)
        type_ = "DECIMAL({},{})".format(*(given if field.get("precision") else default))
    else:
        type_ = _TYPES[kind]
    return f"{type_}[]" if field.get("mode") == "REPEATED" else type_


def answered_field(name: str, type_: str) -> Field:
    """Return the column of an answer of DuckDB's."""
    if type_.endswith("[]"):
        return answered_field(name, type_.removesuffix("[]")) | {"mode": "REPEATED"}
    if type_.startswith("STRUCT"):
        return {"name": name, "type": "STRUCT", "mode": "NULLABLE", "fields": []}
    if type_.startswith("DECIMAL"):
        precision, scale = map(int, re.findall(r"\d+", type_))
        kind = "NUMERIC" if scale <= 9 and precision - scale <= 29 else "BIGNUMERIC"
        return {"name": name, "type": kind, "mode": "NULLABLE"}
    if type_ not in _ANSWERED:
        raise Refused(f"column {name} has no type of BigQuery's: {type_}")
    return {"name": name, "type": _ANSWERED[type_], "mode": "NULLABLE"}


def field_of(column: exp.ColumnDef) -> Field:
    """Return a column of a CREATE TABLE."""
    kinds = [constraint.kind for constraint in column.constraints]
    required = any(isinstance(kind, exp.NotNullColumnConstraint) for kind in kinds)
    field = _typed(column.name, column.kind)
    return field | ({"mode": "REQUIRED"} if required else {})


def _typed(name: str, type_: exp.DataType) -> Field:
    if type_.this == exp.DataType.Type.ARRAY:
        return _typed(name, type_.expressions[0]) | {"mode": "REPEATED"}
    if type_.this == exp.DataType.Type.STRUCT:
        parts = [_typed(part.name, part.args["kind"]) for part in type_.expressions]
        return {"name": name, "type": "STRUCT", "mode": "NULLABLE", "fields": parts}
    text = type_.sql(dialect="bigquery")
    if text.startswith("RANGE"):
        return {"name": name, "type": "RANGE", "mode": "NULLABLE"}
    match = _SIZED.match(text)
    if match is None or match[1] not in {*_TYPES, "NUMERIC", "BIGNUMERIC"}:
        raise Refused(f"Type not found: {text}")
    field: Field = {"name": name, "type": match[1], "mode": "NULLABLE"}
    if match[1] in {"STRING", "BYTES"} and match[2]:
        field["maxLength"] = match[2]
    elif match[2]:
        field |= {"precision": match[2]} | ({"scale": match[3]} if match[3] else {})
    return field


def parsed(sql: str) -> exp.Expr:
    """Parse a statement; Refused where it is none of BigQuery's."""
    try:
        return sqlglot.parse_one(sql, dialect="bigquery")
    except SqlglotError as error:
        raise Refused(f"Syntax error: {error}") from error


def duckdb_sql(tree: exp.Expr, relation: Callable[[exp.Table], exp.Expr]) -> str:
    """Return a query in DuckDB's SQL; `relation` gives the name of a table there."""
    for call in tree.find_all(exp.Anonymous):
        if call.name.lower() not in _FUNCTIONS:
            raise Refused(f"Function not found: {call.name}")
    for number in tree.find_all(exp.Literal):
        highest = 2**63 if isinstance(number.parent, exp.Neg) else 2**63 - 1
        if not number.is_string and number.name.isdigit() and int(number.name) > highest:
            raise Refused(f"Invalid integer literal: {number.name}")
    for name in list(tree.find_all(exp.Identifier)):
        name.set("quoted", True)
    return str(tree.transform(lambda node: _translated(node, relation)).sql(dialect="duckdb"))


def _translated(node: exp.Expr, relation: Callable[[exp.Table], exp.Expr]) -> exp.Expr:
    if isinstance(node, exp.Table) and node.this and node.args.get("db") is not None:
        return relation(node)
    if isinstance(node, exp.Table):
        raise Refused(f'Table "{node.name}" must be qualified with a dataset (e.g. dataset.table).')
    if isinstance(node, exp.TimeToStr):
        node.set("format", exp.Literal.string(node.args["format"].name.replace("%E4Y", "%Y")))
        node.set("zone", None)
    if isinstance(node, exp.TsOrDsToTime):
        return sqlglot.parse_one("DATE '2000-01-01' + x", dialect="duckdb").transform(
            lambda part: node.this.copy() if isinstance(part, exp.Column) else part
        )
    if isinstance(node, exp.Cast) and node.to.this in {
        exp.DataType.Type.DECIMAL,
        exp.DataType.Type.BIGDECIMAL,
    }:
        scale = 9 if node.to.this == exp.DataType.Type.DECIMAL else 19
        if node.this.is_string and "." not in node.this.name:
            scale = 0
        node.set("to", exp.DataType.build(f"DECIMAL(38,{scale})", dialect="duckdb"))
    return node


def quoted(name: str) -> str:
    """Quote an identifier for DuckDB."""
    return '"' + name.replace('"', '""') + '"'
