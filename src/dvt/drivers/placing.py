"""Where a table really lies, put into a planner's SELECT in place of its dotted name."""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from dvt.core.names import TableRef


def placed(select: str, dialect: str, table: TableRef, source: str) -> str:
    """`select` with `source`, a FROM item of `dialect`, wherever it names `table`."""
    tree = sqlglot.parse_one(select, dialect=dialect)
    item = sqlglot.parse_one(f"SELECT * FROM {source}", dialect=dialect).args["from_"].this
    for found in list(tree.find_all(exp.Table)):
        if found.name == table.identifier and found.db in {"", table.schema or ""}:
            new = item.copy()
            if found.alias:
                new.set("alias", found.args["alias"])
            found.replace(new)
    return tree.sql(dialect=dialect)
