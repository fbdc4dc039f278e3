"""How tables are named, on a database and inside a federated model's SQL."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

MARKER = "__dvt__"
"""Schema prefix of a relation in a federated model's compiled SQL: `"__dvt__<unique_id>"."<identifier>"`."""
MARKED = re.compile(rf"""["`]{MARKER}[^"`]*["`]\.""")
"""A marker in SQL, which means nothing to people."""

STAGE_PREFIX = "dvt_"
"""Stage tables on targets are named `dvt_<run>_<hash>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRef:
    """One table, wherever it lives. Names are exact: never folded, never sanitised."""

    connection: str
    """Name of the output in profiles.yml."""
    database: str | None = None
    schema: str | None = None
    identifier: str
    location: str | None = None
    """Where a table of files lies (dbt-duckdb's `external_location`), globs allowed."""

    def __str__(self) -> str:
        """Dotted, for people: `connection:schema.table`."""
        path = ".".join(part for part in (self.database, self.schema, self.identifier) if part)
        return f"{self.connection}:{self.location or path}"


def stage_name(run: str, unique_id: str, batch: str = "") -> str:
    """A stage table's identifier: short enough for every database, unique in a run."""
    digest = hashlib.sha256(f"{unique_id}\n{batch}".encode()).hexdigest()[:16]
    return f"{STAGE_PREFIX}{run}_{digest}"
