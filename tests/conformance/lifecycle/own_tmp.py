"""Runs programs with a /tmp and a /mnt of their own, where the original system has its files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conformance.lifecycle.store.conftest import Place
from tests.databases.postgres import PASSWORD, USER

ROOT = Path(__file__).parents[3]
_HIDDEN = ("/tmp", "/mnt")
_CANNOT_MOUNT = 99


def login(place: Place) -> dict[str, str]:
    """Return the environment in which `psql` reaches a database."""
    return {**place.environment(), "PGUSER": USER, "PGPASSWORD": PASSWORD}


def make_original_tables(place: Place) -> None:
    """Make the original system's tables in a database; skip the test where it can have no /tmp of its own."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root may have a /tmp of its own")
    if any(path.is_relative_to(hidden) for path in (ROOT, Path(sys.prefix)) for hidden in _HIDDEN):
        pytest.skip("this checkout is in a folder that the test hides")
    psql = subprocess.run(
        ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", ROOT / "config/postgres/init_cleanup.sql"],
        env={**os.environ, **login(place)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert psql.returncode == 0, psql.stderr


def bash(script: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a script that finds /tmp and /mnt empty; return its exit code, and what it has printed."""
    mounts = " && ".join(f"mount -t tmpfs tmpfs {folder}" for folder in _HIDDEN)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["unshare", "--mount", "bash", "-c", f"{mounts} || exit {_CANNOT_MOUNT}\n{script}"],
        env={**os.environ, **environment, "PATH": path},
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd="/",
        timeout=250,
    )
    if ended.returncode == _CANNOT_MOUNT:
        pytest.skip("this user may not mount")
    return ended.returncode, ended.stdout + ended.stderr
