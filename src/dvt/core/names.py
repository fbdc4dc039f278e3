"""Names of tables, on a database and inside a federated model's SQL."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

STAGE_PREFIX = "dvt_"
"""Prefix of stage tables on targets: `dvt_<run>_<hash>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRef:
    """One table of any connection. Names are exact: never normalized, never sanitised."""

    connection: str
    """Name of the output in profiles.yml."""
    database: str | None = None
    schema: str | None = None
    identifier: str
    options: tuple[tuple[str, str], ...] = ()
    """How the table is read: names and values that only its connector understands, sorted by name."""
    label: str | None = field(default=None, compare=False)
    """The name to show people, if it says more than the dotted one."""

    def __post_init__(self) -> None:
        """Turn lists into tuples, so that a reference read from JSON equals the original."""
        object.__setattr__(self, "options", tuple((name, value) for name, value in self.options))

    def __str__(self) -> str:
        """Dotted, for people: `connection:schema.table`."""
        path = ".".join(part for part in (self.database, self.schema, self.identifier) if part)
        return f"{self.connection}:{self.label or path}"

    def option(self, name: str) -> str | None:
        """Return an option's value, None if it is not given."""
        return dict(self.options).get(name)


def stage_name(run: str, unique_id: str, batch: str = "") -> str:
    """Return a stage table's identifier: short enough for every database, unique in a run."""
    digest = hashlib.sha256(f"{unique_id}\n{batch}".encode()).hexdigest()[:16]
    return f"{STAGE_PREFIX}{run}_{digest}"


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
"""Matches names that need no quotes."""


def folded(name: str) -> str:
    """Return the name that a database of upper case keeps for one without quotes.

    Example:
        >>> folded("order_id"), folded("order id")
        ('ORDER_ID', 'order id')
    """
    return name.upper() if _PLAIN.match(name) else name
