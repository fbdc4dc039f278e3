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
    """Run `dvt init` with these lines as input, passwords too, and return its output.

    An answer that begins with `--` is a flag.
    """
    environment = {**os.environ, "DBT_PROFILES_DIR": str(folder), "NO_COLOR": "1", "HOME": str(folder)}
    flags = [answer for answer in answers if answer.startswith("--")]
    process = subprocess.run(
        [*DVT, "init", "shop", *flags],
        cwd=folder,
        env=environment,
        input="\n".join([*(answer for answer in answers if answer not in flags), ""]),
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


def test_init_writes_templates_of_dvts_files_and_never_changes_one(tmp_path: Path) -> None:
    kept = tmp_path / "computes.yml"
    kept.write_text("# mine\n")
    printed = init(tmp_path, "--skip-profile-setup")
    assert f"Created buckets.yml template at {tmp_path / 'buckets.yml'}" in printed
    assert f"Created profiles.yml template at {tmp_path / 'profiles.yml'}" in printed
    assert "computes.yml" not in printed
    assert kept.read_text() == "# mine\n"
    written = yaml.safe_load((tmp_path / "buckets.yml").read_text())
    assert written == {"shop": {"target": "local", "buckets": {"local": {"type": "filesystem"}}}}
    (tmp_path / "buckets.yml").write_text("# mine, too\n")
    shutil.rmtree(tmp_path / "shop")
    assert "Created" not in init(tmp_path, "--skip-profile-setup").replace("Created profile", "")
    assert (tmp_path / "buckets.yml").read_text() == "# mine, too\n"


def test_a_new_project_runs_with_what_init_has_written(tmp_path: Path) -> None:
    init(tmp_path, "--skip-profile-setup")
    environment = {**os.environ, "DBT_PROFILES_DIR": str(tmp_path), "HOME": str(tmp_path)}
    for command in ("parse", "debug", "run"):
        ended = subprocess.run(
            [*DVT, command],
            cwd=tmp_path / "shop",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode in (0, 1 if command == "run" else 0), ended.stdout
    assert "Completed" in ended.stdout


def test_init_in_a_folder_that_is_taken_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    init(tmp_path, "--skip-profile-setup")
    assert not (tmp_path / "buckets.yml").exists()
