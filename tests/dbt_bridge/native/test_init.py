"""`dvt init` asks for the databases that dvt brings an adapter for, too."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import yaml

from tests.acceptance.project import DVT

ANSWERS = "{choice}\ndb1\n\nme\nsecret\nshop\n\n"


def test_init_offers_mysql_and_mariadb(tmp_path: Path) -> None:
    environment = {**os.environ, "DBT_PROFILES_DIR": str(tmp_path), "NO_COLOR": "1"}
    asked = subprocess.run(
        [*DVT, "init", "shop"], cwd=tmp_path, env=environment, input="\n", capture_output=True, text=True, check=False
    )
    choices = dict(reversed(line.strip("[").split("] ", 1)) for line in asked.stdout.splitlines() if "] " in line[:6])
    assert {"mysql", "mariadb", "duckdb", "postgres"} <= choices.keys(), asked.stdout
