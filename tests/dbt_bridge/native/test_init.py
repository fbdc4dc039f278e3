"""`dvt init` asks for the databases that dvt brings an adapter for, too."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.acceptance.project import DVT


def init(folder: Path, *answers: str) -> str:
    """Run `dvt init` with these lines as input, passwords too, and return its output."""
    environment = {**os.environ, "DBT_PROFILES_DIR": str(folder), "NO_COLOR": "1"}
    process = subprocess.run(
        [*DVT, "init", "shop"],
        cwd=folder,
        env=environment,
        input="\n".join([*answers, ""]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        start_new_session=True,
        timeout=250,
    )
    return process.stdout


def test_init_offers_mysql_and_mariadb_and_writes_their_outputs(tmp_path: Path) -> None:
    offered = dict(re.findall(r"\[(\d+)\] (\w+)", init(tmp_path)))
    numbers = {name: number for number, name in offered.items()}
    assert {"mysql", "mariadb", "duckdb", "postgres"} <= numbers.keys()
    shutil.rmtree(tmp_path / "shop")
    printed = init(tmp_path, numbers["mariadb"], "db1", "", "me", "secret", "erp", "")
    written = yaml.safe_load((tmp_path / "profiles.yml").read_text())["shop"]["outputs"]["dev"]
    assert written == {
        "type": "mariadb", "host": "db1", "port": 3306, "user": "me", "password": "secret", "schema": "erp",
        "threads": 4,
    }, printed  # fmt: skip
