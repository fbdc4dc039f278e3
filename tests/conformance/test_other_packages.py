"""Connectors in packages of their own inherit the suites, where nothing of these tests can be imported."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packages import PACKAGES, installed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(570)]


@pytest.mark.parametrize(("package", "least"), [("lines", 15), ("nest", 35)])
def test_a_package_passes_the_suites_by_its_own_tests(package: str, least: int, tmp_path: Path) -> None:
    folders = installed(tmp_path / "site-packages", package)
    shutil.copytree(PACKAGES / package / "tests", tmp_path / "tests-of-it")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        cwd=tmp_path / "tests-of-it",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed
    assert int(passed.group(1)) >= least
