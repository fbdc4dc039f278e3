"""A table of 6.0 M rows on PostgreSQL and MariaDB, extracted in full and incrementally, with `dvt run`.

By a watermark, by one of a table of which no rows are deleted, and by hashes: the first run, then one after
0 %, 1 % and 10 % of the rows have changed, each beside a full extraction. Prints the seconds of the
extraction, by what it is faster than the full one, and dvt's peak memory.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks._measuring import peak
from tests.acceptance.project import Project
from tests.databases.mariadb import mariadb
from tests.databases.postgres import postgres

LIMITS = {0: 20.0, 1: 5.0, 10: 1.5}
"""Percent of rows that have changed → how much faster than in full it must be."""
MUST_FIRST = 1.25
"""Seconds of the first incremental extraction per second of a full one."""
MAX_MEGABYTES = 512
COLUMNS = "id, parent, quantity, price, flag, status, shipped, note, changed"
WATERMARK: dict[str, Any] = {"strategy": "watermark", "watermark": {"column": "changed", "overlap": "1m"}}
NO_DELETES = {"strategy": "watermark", "watermark": {**WATERMARK["watermark"], "deletes": False}}
CONFIGS = {
    "full": {"method": "full"},
    "watermark": {"method": "incremental", "incremental": WATERMARK, "batch_size": 100_000},
    "no_deletes": {"method": "incremental", "incremental": NO_DELETES, "batch_size": 100_000},
    "hash": {"method": "incremental", "incremental": {"strategy": "hash"}, "batch_size": 100_000},
}
STRATEGIES = ("watermark", "no_deletes", "hash")
MODEL = "select {columns} from {{{{ source('{name}', 'facts') }}}}"


class Figures(NamedTuple):
    """What one extraction took."""

    seconds: float
    megabytes: int
    note: str


def fill(server: Any, rows: int) -> None:
    """Make the table: nine columns, a primary key, an index on the watermark."""
    is_mariadb = server.settings()["type"] == "mariadb"
    numbers = f"seq_1_to_{rows}" if is_mariadb else f"generate_series(1, {rows}) AS seq"
    text = "md5(seq)" if is_mariadb else "md5(seq::text)"
    quarter = "seq DIV 4" if is_mariadb else "seq / 4"
    second = "interval seq second" if is_mariadb else "seq * interval '1 second'"
    moment = f"timestamp '2026-01-01 00:00:00' + {second}"
    if is_mariadb:  # the table in memory, as PostgreSQL's is in the system's cache
        server.execute("SET GLOBAL innodb_buffer_pool_size = 2147483648")
    server.execute(
        "DROP TABLE IF EXISTS facts",
        "CREATE TABLE facts (id bigint PRIMARY KEY, parent bigint, quantity numeric(15,2),"
        " price numeric(15,2), flag varchar(1), status varchar(10), shipped date, note varchar(44),"
        " changed timestamp NULL)",
        f"INSERT INTO facts ({COLUMNS}) SELECT seq, {quarter}, seq % 50, seq * 0.07, 'N', 'open',"
        f" date '2026-01-01', {text}, {moment} FROM {numbers}",
        "CREATE INDEX facts_changed ON facts (changed)",
        "ANALYZE TABLE facts" if is_mariadb else "VACUUM ANALYZE facts",
    )


def change(server: Any, percent: int, turn: int) -> None:
    """Change a part of the rows, all over the table, and their watermarks."""
    if percent:
        moment = f"timestamp '2026-06-01 00:00:00' + interval '{turn}' hour"
        server.execute(
            f"UPDATE facts SET price = price + 1, changed = {moment} WHERE id % {100 // percent} = 0",
            "ANALYZE TABLE facts" if server.settings()["type"] == "mariadb" else "VACUUM ANALYZE facts",
        )


def settle(server: Any, turn: int) -> None:
    """Change one row later than all others, so that no strategy reads again what was changed for another."""
    moment = f"timestamp '2026-06-01 00:00:00' + interval '{turn * 60 + 30}' minute"
    server.execute(f"UPDATE facts SET changed = {moment} WHERE id = 1")


def run(shop: Project, name: str, *args: str) -> Figures:
    """Run the model that reads the table by one of the configs."""
    process = shop.start("run", "--select", f"read_{name}", *args)
    peaks: list[int] = []
    watcher = threading.Thread(target=peak, args=(process, peaks))
    watcher.start()
    output, _ = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(output)
    (result,) = json.loads((shop.root / "target/run_results.json").read_text())["results"]
    extractions = [moved for moved in result["adapter_response"]["dvt"] if moved["what"] == "extract"]
    (extraction,) = extractions
    return Figures(extraction["seconds"], max(peaks) // 1000, extraction["note"])


def project(folder: Path, server: Any) -> Project:
    """Write a project with a model for each config."""
    warehouse = {"type": "duckdb", "path": str(folder / "warehouse.duckdb")}
    shop = Project(folder / "shop", {"warehouse": warehouse, "src": server.settings()}, "warehouse")
    aggregates = "count(*) as n, " + ", ".join(f"max({name}) as {name}" for name in COLUMNS.split(", "))
    for name, config in CONFIGS.items():
        schema = server.settings()["schema"]
        shop.source(name, "src", ["facts"], schema=schema, config={"connection": "src", "extraction": config})
        text = MODEL.format(columns=aggregates, name=name)
        shop.model(f"read_{name}", text, materialized="table", dialect="duckdb", compute="duckdb")
    return shop


def figures(server: Any, rows: int, folder: Path, strategies: Sequence[str]) -> Iterator[str]:
    """Yield a line for each run."""
    fill(server, rows)
    shop = project(folder, server)
    run(shop, "full")
    full = run(shop, "full")
    yield f"full                  {full.seconds:6.2f} s   peak {full.megabytes} MB"
    turn = 0
    for name in strategies:
        settle(server, turn)
        first = run(shop, name, "--full-refresh")
        ratio = f"{first.seconds / full.seconds:5.2f}x of full (<= {MUST_FIRST})"
        yield f"{name:<10} first       {first.seconds:6.2f} s   {ratio}   peak {first.megabytes} MB"
        for percent, must in LIMITS.items():
            turn += 1
            change(server, percent, turn)
            again = run(shop, "full")
            taken = run(shop, name)
            faster = again.seconds / taken.seconds
            yield (
                f"{name:<10} {percent:>3} %       {taken.seconds:6.2f} s   {faster:5.2f}x faster (>= {must})"
                f"   peak {taken.megabytes} MB   full {again.seconds:.2f} s   {taken.note}"
            )


def main() -> None:
    """Measure each database in turn."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=6_000_000)
    options.add_argument("--database", choices=("postgres", "mariadb"), action="append")
    options.add_argument("--strategy", choices=STRATEGIES, action="append")
    arguments = options.parse_args()
    servers: dict[str, AbstractContextManager[Any]] = {"postgres": postgres(), "mariadb": mariadb()}
    for name in arguments.database or servers:
        with servers[name] as server, tempfile.TemporaryDirectory() as folder:
            print(f"{name}, {arguments.rows:,} rows", flush=True)
            for line in figures(server, arguments.rows, Path(folder), arguments.strategy or STRATEGIES):
                print(f"  {line}", flush=True)
    print(f"must: peak <= {MAX_MEGABYTES} MB")


if __name__ == "__main__":
    main()
