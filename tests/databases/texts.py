"""Rows of texts over JDBC, for tests."""

from __future__ import annotations

from dvt.core.names import TableRef
from dvt.core.queries import ExtractedColumn
from dvt.core.tables import Column
from dvt.core.types import VARCHAR
from dvt.drivers.jdbc import Answer, Session


def rows_of_texts(session: Session, sql: str) -> list[tuple[str | None, ...]]:
    """Return the rows of a query for texts."""
    described = session.columns(f"select * from ({sql}) where 1 = 0", "looking at texts")
    columns = [
        ExtractedColumn(name=f"c{place}", column=Column(name=column.name, native="text", stage=VARCHAR))
        for place, column in enumerate(described)
    ]
    about = TableRef(connection="tests", identifier="texts")
    with Answer(session, sql, columns=columns, tables=[about], limit=None, doing="asking") as answer:
        table = answer.reader().read_all()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))
