"""A third of the proofs of translation: they still show what the table in the package says."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from dvt.federation.plan.proven.table import proof_table
from tests.proofs.__main__ import LISTS, SERVERS
from tests.proofs.engine import Engine
from tests.proofs.literals import varied
from tests.proofs.proving import Prover
from tests.proofs.rows import Row, rows

pytestmark = pytest.mark.slow


def _is_chosen(row: Row) -> bool:
    return zlib.crc32(f"{row.section} {row.sql} {row.classes}".encode()) % 3 == 0


@pytest.mark.parametrize("dialect", SERVERS)
def test_a_third_of_the_proofs_shows_what_the_table_says(
    databases: Callable[[str], Any], dialect: str
) -> None:
    database, side = SERVERS[dialect]
    table = proof_table("duckdb", dialect)
    assert table is not None
    proven = dict(table.results)
    evaluations, changed = 0, []
    with closing(databases(database).owner()) as connection:
        prover = Prover(side(connection), Engine(dialect, proven, side.zone), proven)
        for name, (columns, values) in prover.server.tables.items():
            prover.add(name, columns, values)
        for row in filter(_is_chosen, rows(LISTS / f"{dialect}.txt")):
            outcome = prover.prove(row)
            others = [other for other in map(prover.prove, varied(row, 1)) if not other.refused]
            for tried in (outcome, *others):
                evaluations += tried.evaluations
                keys = tried.keys.own
                if (
                    tried.difference
                    and not tried.is_loud
                    and keys
                    and all(key in table.results for key in keys)
                ):
                    changed.append(f"{tried.row.sql} {tried.row.classes}: {tried.difference}")
    assert not changed
    assert evaluations > 20_000
