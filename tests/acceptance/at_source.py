"""Models that are computed at their source: the tables that are made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dvt.core.errors import DvtError
from dvt.core.plan import Load
from dvt.testing.databases import ReadCase
from tests.acceptance.federating import Run, Workspace

Table = tuple[list[str], list[tuple[Any, ...]]]
"""Names and types of a table's columns, and its rows as texts, sorted."""
SOURCES = {"wh": ("crm", "duckdb"), "pg2": ("pg", "postgres"), "my2": ("my", "mysql")}
"""Target → source and dialect."""


@dataclass
class Reading:
    """A Publisher that reads the stage table instead of publishing it."""

    read: Callable[[str], Table]
    table: Table = field(default=([], []))

    def publish(self, load: Load) -> int:
        parts = [load.stage.schema, load.stage.identifier]
        self.table = self.read(".".join(f'"{part}"' for part in parts if part))
        return -1


def computed(run: Run, read: Callable[[str], Table], sql: str, target: str, **options: Any) -> Table:
    """Return the stage table of a model that its source computes."""
    publisher = Reading(read)
    request = run.request("m", sql, target, **{"compute": "source", **options})
    run.federator.federate(request, publisher)
    return publisher.table


def check_case(
    workspace: Workspace,
    read: Callable[[str], Table],
    case: ReadCase,
    execute: Callable[[str], Any],
    target: str,
    *,
    base: list[str] | None = None,
) -> None:
    """Compare a model over a column of a type with that column: type and value, or a warning of the type.

    `base` is the column that the model has instead, if the type is a domain.
    """
    execute("DROP TABLE IF EXISTS cases")
    execute(f"CREATE TABLE cases (v {case.type})")
    execute(f"INSERT INTO cases VALUES ({case.literal})")
    source, dialect = SOURCES[target]
    with workspace.run() as run:
        try:
            table = computed(run, read, f"SELECT v FROM {{{source}.cases}}", target, dialect=dialect)
        except DvtError:
            assert case.error
            return
        warned = [notice.message for _, notice in run.reporter.notices if notice.code == "DVT002"]
    columns, rows = read("cases")
    if not any("column v" in message for message in warned):
        assert table == (base or columns, rows)
