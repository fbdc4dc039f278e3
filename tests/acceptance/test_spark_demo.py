"""The demo of Spark runs as `make spark-demo` runs it; its tables are those of DuckDB."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_the_shop_on_a_cluster_is_the_shop(tmp_path: Path):
    on_spark, plain = tmp_path / "spark", tmp_path / "plain"
    shutil.copytree(
        ROOT / "examples" / "shop", plain, ignore=shutil.ignore_patterns("data", "target", ".dvt", "logs")
    )
    said = demo("spark_demo.py", on_spark)
    assert "FINISHED" in said
    assert "dim_customers: compute spark: 20,000 rows" in said
    assert "audience: compute spark" in said
    assert "The cluster has ended" in said
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in ([sys.executable, "generate.py"], [sys.executable, "-m", "dvt.cli.main", "build"]):
        subprocess.run(command, cwd=plain, env=environment, check=True, capture_output=True)
    for file, table in (
        ("warehouse", "customer_value"),
        ("warehouse", "activity"),
        ("marketing", "audience"),
    ):
        rows = [read(folder / "data" / f"{file}.duckdb", table) for folder in (on_spark, plain)]
        assert rows[0]
        assert rows[0] == rows[1]


def demo(script: str, folder: Path) -> str:
    result = subprocess.run(
        [sys.executable, ROOT / "tools" / script, folder],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def read(file: Path, table: str) -> list[tuple]:
    with duckdb.connect(str(file), read_only=True) as database:
        return database.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
