"""A part of the proofs of translation: they still show what the table in the package says."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from dvt.federation.plan.proven.table import proof_table
from tests.proofs.__main__ import LISTS, PAIRS, SERVERS, engine_of
from tests.proofs.literals import varied
from tests.proofs.proving import Prover
from tests.proofs.rows import Row, rows

pytestmark = pytest.mark.slow

LONG = [pytest.mark.long, pytest.mark.timeout(3600)]
SHARES = {"duckdb": 6, "spark": 60}
"""Engine → one of how many proofs is computed again: a statement of Spark takes a second, whatever it is."""


def _is_chosen(row: Row, share: int) -> bool:
    return zlib.crc32(f"{row.section} {row.sql} {row.classes}".encode()) % share == 0


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("engine", "dialect", "share"),
    [
        *((engine, dialect, SHARES[engine]) for engine, dialect in PAIRS),
        *(
            pytest.param(engine, dialect, {"duckdb": 1, "spark": 4}[engine], marks=LONG)
            for engine, dialect in PAIRS
        ),
    ],
)
def test_a_part_of_the_proofs_shows_what_the_table_says(
    databases: Callable[[str], Any], engine: str, dialect: str, share: int
) -> None:
    database, side = SERVERS[dialect]
    table = proof_table(engine, dialect)
    assert table is not None
    proven = dict(table.results)
    evaluations, changed = 0, []
    with closing(databases(database).owner()) as connection:
        prover = Prover(side(connection), engine_of(engine)(dialect, proven, side.zone), proven)
        prover.add_tables()
        listed = filter(prover.engine.can, rows(LISTS / f"{dialect}.txt"))
        chosen = [row for row in listed if _is_chosen(row, share)]
        for first in range(0, len(chosen), prover.engine.batch):
            some = chosen[first : first + prover.engine.batch]
            outcomes = prover.prove_all(some)
            others = prover.prove_all([other for row in some for other in varied(row, 1)])
            for tried in (*outcomes, *(other for other in others if not other.refused)):
                evaluations += tried.evaluations
                keys = tried.keys.own
                is_told = tried.difference and not tried.is_loud
                if is_told and keys and all(key in table.results for key in keys):
                    changed.append(f"{tried.row.sql} {tried.row.classes}: {tried.difference}")
        prover.engine.close()
    assert not changed
    assert evaluations > min(60_000, table.evaluations / 2) / share
