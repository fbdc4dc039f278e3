"""Names that columns have between their database and the engine."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dvt.core.queries import ExtractedColumn
from dvt.core.tables import Column

CONSTANT = "dvt_one"
"""Name of the column that is extracted where only the number of rows matters."""
HASH = "dvt_hash"
"""Name of the column with the hash of a row."""
COUNT = "dvt_rows"
"""Name of the column with the number of rows that the table has."""
DELETED_FILE, DELETED_ROW = "dvt_file", "dvt_row"
"""Names of the columns of a file with the positions of deleted rows."""
_MAX_LENGTH = 40
"""Highest number of characters of a surrogate name, without its number."""
_SAFE = re.compile(r"^[a-z_][a-z0-9_]*$")
"""Matches a name that needs no surrogate."""
_RESERVED = (CONSTANT, HASH, COUNT, DELETED_FILE, DELETED_ROW, "file_index", "file_row_number")
"""Names that no column of a table gets: those of dvt's own columns, and DuckDB's for a row's position."""


def surrogates(columns: Sequence[Column]) -> list[ExtractedColumn]:
    """Name all columns of a table in lower case, so that every database takes the names.

    A column's name depends on its table alone, so that a wider query has the same names.

    Example:
        >>> columns = [Column(name=name, native="int", stage=INTEGER) for name in ("Id", "id", "file_index")]
        >>> [extracted.name for extracted in surrogates(columns)]
        ['id', 'id_2', 'file_index_2']
    """
    taken = set(_RESERVED)
    return [
        ExtractedColumn(name=free_name(sanitised(column.name), taken), column=column) for column in columns
    ]


def free_name(wish: str, taken: set[str]) -> str:
    """Return `wish`, or the first numbered name that is not taken, and add it to `taken`."""
    name, number = wish, 1
    while name in taken:
        number += 1
        name = f"{wish}_{number}"
    taken.add(name)
    return name


def sanitised(name: str) -> str:
    """Return a name in lower case that every database takes unquoted."""
    low = name.lower()
    if _SAFE.match(low) and len(low) <= _MAX_LENGTH:
        return low
    return "c_" + re.sub(r"[^a-z0-9]+", "_", low).strip("_")[:_MAX_LENGTH]
