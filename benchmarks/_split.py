"""TPC-H's tables as a company has them: customers, orders and their lines on one server, parts on another.

PostgreSQL holds customer, orders and lineitem, MariaDB part, partsupp and supplier, a DuckDB file the rest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from tests.acceptance import placing, tpch
from tests.acceptance.project import Project
from tests.databases.mariadb import mariadb
from tests.databases.postgres import postgres

SPLIT: Mapping[str, str] = {
    **dict.fromkeys(("customer", "orders", "lineitem"), "pg"),
    **dict.fromkeys(("part", "partsupp", "supplier"), "maria"),
    **dict.fromkeys(("nation", "region"), "duck"),
}
"""Table → output that holds it."""
SCHEMAS = {"pg": "shop", "maria": "shop", "duck": "main"}
"""Output → schema of its tables."""


@dataclass(frozen=True)
class Placed:
    """The tables in their databases, and all of them in one DuckDB."""

    folder: Path
    servers: Mapping[str, Any]
    """Output → server, of those that are servers."""
    single: duckdb.DuckDBPyConnection

    @property
    def queries(self) -> dict[str, str]:
        """The 22 queries by name."""
        return tpch.queries(self.single)

    def project(self, target: str, root: Path | None = None) -> Project:
        """Write a project with the tables as sources, whose models are built on `target`."""
        outputs = {
            "pg": self.servers["pg"].settings(),
            "maria": self.servers["maria"].settings(),
            "duck": {"type": "duckdb", "path": str(self.folder / "reference.duckdb")},
            "warehouse": {"type": "duckdb", "path": str(self.folder / "warehouse.duckdb")},
        }
        config = {"models": {"shop": {"+materialized": "table"}}}
        project = Project(root or self.folder, outputs, default=target, config=config)
        for table, where in SPLIT.items():
            project.source(f"tpch_{table}", where, [table], schema=SCHEMAS[where])
        return project


@contextmanager
def placed(scale: float) -> Iterator[Placed]:
    """Start the servers and put each table in the database that SPLIT names."""
    with (
        tempfile.TemporaryDirectory(prefix="dvt-bench-") as name,
        postgres() as pg,
        mariadb("--innodb-buffer-pool-size=1G") as maria,
        tpch.generate(scale) as single,
    ):
        single.execute("SET enable_progress_bar = false")
        folder = Path(name)
        folder.chmod(0o755)
        servers = {"pg": pg, "maria": maria}
        for table, where in SPLIT.items():
            if where == "duck":
                placing.in_duckdb(single, table, folder / "reference.duckdb")
            else:
                load_table(single, table, folder, where, servers[where])
        print("tables are in their databases", flush=True)
        yield Placed(folder, servers, single)


def load_table(single: duckdb.DuckDBPyConnection, table: str, folder: Path, where: str, server: Any) -> None:
    """Load a table into a server by the server's own bulk load."""
    csv = folder / f"{table}.csv"
    single.execute(f"COPY {table} TO '{csv}' (HEADER false, DELIMITER '|', QUOTE '')")
    csv.chmod(0o644)
    if where == "maria":
        columns = placing.columns(single, table, {"VARCHAR": "varchar(255)"})
        server.execute(
            f"CREATE TABLE {table} ({columns}) DEFAULT CHARSET utf8mb4",
            f"LOAD DATA INFILE '{csv}' INTO TABLE {table} CHARACTER SET utf8mb4 FIELDS TERMINATED BY '|'",
            f"ANALYZE TABLE {table}",
        )
    else:
        server.execute(f"CREATE TABLE {table} ({placing.columns(single, table, {})})")
        with closing(server.owner()) as connection, connection.cursor() as cursor, csv.open() as rows:
            cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT csv, DELIMITER '|', QUOTE E'\\b')", rows)
        server.execute(f"VACUUM ANALYZE {table}")
    csv.unlink()
