"""The kinds of items that a project has beside files: what lifecycle.yml names, with what is around it."""

from __future__ import annotations

from dvt.config.lifecycle_file import Lifecycle
from dvt.core.ports.lifecycle import Surroundings
from dvt.lifecycle.back_up.sources import Kind
from dvt.lifecycle.stage_tables.left import LeftTables
from dvt.lifecycle.staged.datasets import StagedDatasets
from dvt.lifecycle.tables.kind import TableRows
from dvt.runs import operations


def kinds_of(settings: Lifecycle, surroundings: Surroundings) -> list[Kind]:
    """Return the kinds whose data types the file names: others are never looked at."""
    kinds: list[Kind] = []
    staged = {name for name, of in settings.data.items() if of.kind == "staged"}
    records = settings.folder / ".dvt" / "operations"
    if staged & settings.named:
        without = frozenset(name for name in staged if settings.data[name].without_backup)
        kinds.append(
            StagedDatasets(surroundings.staged, lambda: operations.known(records), without_backup=without)
        )
    left = {name for name, of in settings.data.items() if of.kind == "stage_tables"}
    if left & settings.named:
        automatic = all(settings.data[name].automatic for name in left)
        kinds.append(LeftTables(records, surroundings.drop, automatic=automatic))
    return [*kinds, *map(TableRows, settings.sql.values())]
