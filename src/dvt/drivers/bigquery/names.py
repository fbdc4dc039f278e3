"""Writes names and texts in BigQuery's SQL."""

from __future__ import annotations

from dvt.core.names import TableRef

_ESCAPES = str.maketrans({"\\": r"\\", "'": r"\'", "`": r"\`", "\n": r"\n", "\r": r"\r"})
"""Characters of a quoted name or text → how SQL writes them."""


def quoted(name: str) -> str:
    r"""Quote an identifier.

    Example:
        >>> print(quoted("a`b"))
        `a\`b`
    """
    return f"`{name.translate(_ESCAPES)}`"


def literal(text: str) -> str:
    r"""Write a text literal.

    Example:
        >>> print(literal("it's C:\\temp"))
        'it\'s C:\\temp'
    """
    return f"'{text.translate(_ESCAPES)}'"


def table_id(table: TableRef, project: str, dataset: str) -> tuple[str, str, str]:
    """Return a table's project, dataset and name; `project` and `dataset` are the output's."""
    return table.database or project, table.schema or dataset, table.identifier


def relation(table: TableRef, project: str, dataset: str) -> str:
    """Return a table's name in SQL; `project` and `dataset` are the output's, for tables without them."""
    return ".".join(map(quoted, table_id(table, project, dataset)))
