"""Runs all proofs of a pair, and writes its table: `python -m tests.proofs [postgres] [--engine spark]`."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from dvt.federation.plan import proven
from tests.databases import load
from tests.proofs.duckdb import DuckDB
from tests.proofs.engine import Engine
from tests.proofs.learning import prove_all, table_of, write_table
from tests.proofs.literals import refute
from tests.proofs.mariadb import MariaDB
from tests.proofs.postgres import Postgres
from tests.proofs.proving import Prover
from tests.proofs.rows import rows

LISTS = Path(__file__).parent
TABLES = Path(proven.__file__).parent / "tables"
SERVERS: dict[str, tuple[str, type[Any]]] = {
    "postgres": ("postgres", Postgres),
    "mysql": ("mariadb", MariaDB),
    "duckdb": ("duckdb", DuckDB),
}
"""Dialect → name of the database of the tests, and its side of a proof."""
PAIRS = (
    ("duckdb", "postgres"),
    ("duckdb", "mysql"),
    ("spark", "postgres"),
    ("spark", "mysql"),
    ("spark", "duckdb"),
)
"""Engines, and dialects whose translation is proven in them."""


def engine_of(name: str) -> type[Engine]:
    """Return an engine's side of a proof; Spark's needs PySpark."""
    if name == "spark":
        from tests.proofs.spark import Spark

        return Spark
    return Engine


def main(arguments: list[str]) -> int:
    """Prove all rows of the lists of the dialects named, or of all."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs", description=__doc__)
    parser.add_argument("dialects", nargs="*", help=f"of {', '.join(SERVERS)}; all, if none is named")
    parser.add_argument("--engine", choices=sorted({engine for engine, _ in PAIRS}), help="this engine alone")
    parser.add_argument("--limits", action="store_true", help="show what raises an error on one side alone")
    options = parser.parse_args(arguments)
    if unknown := set(options.dialects) - set(SERVERS):
        parser.error(f"there are no proofs of {', '.join(sorted(unknown))}")
    for engine, dialect in PAIRS:
        if options.engine in (None, engine) and dialect in (options.dialects or SERVERS):
            prove_pair(engine, dialect, limits=options.limits)
    return 0


def prove_pair(engine: str, dialect: str, *, limits: bool) -> None:
    """Prove all rows of a dialect's list in an engine, and write the table."""
    database, side = SERVERS[dialect]
    started = time.monotonic()
    learned: dict[str, str] = {}
    with load(database)() as server, closing(server.owner()) as connection:
        prover = Prover(side(connection), engine_of(engine)(dialect, learned, side.zone), learned)
        prover.add_tables()
        listed = [row for row in rows(LISTS / f"{dialect}.txt") if prover.engine.can(row)]
        outcomes = prove_all(prover, listed)
        outcomes += refute(prover, outcomes)
        prover.engine.close()
    table = table_of(prover, outcomes)
    write_table(TABLES / f"{engine}-{dialect}.json", table)
    failed = [outcome for outcome in outcomes if outcome.difference]
    for outcome in failed:
        classes = ", ".join(class_ for _, class_ in outcome.row.classes)
        print(f"differs: {outcome.row.sql} [{classes}] {outcome.keys.own[:1]}: {outcome.difference}")
    for outcome in outcomes:
        if limits and outcome.limit:
            print(f"limit: {outcome.row.sql} {outcome.keys.own[:1]}: {outcome.limit}")
    print(
        f"{dialect} in {engine}: {len(table['proven'])} constructs proven by {table['evaluations']} "
        f"evaluations, {len(failed)} of {len(outcomes)} rows differ, {time.monotonic() - started:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
