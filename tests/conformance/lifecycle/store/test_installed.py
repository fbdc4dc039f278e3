"""The store of an installed wheel: what it needs beside Python's files is in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.conformance.lifecycle.store.conftest import Place

pytestmark = pytest.mark.slow

SCRIPT = """
import sys
from pathlib import Path
import dvt
from dvt.core.retention import Asking
from dvt.lifecycle.store import open_store
assert Path(dvt.__file__).is_relative_to(sys.argv[1]), dvt.__file__
for url in sys.argv[3:]:
    with open_store(url, state=Path(sys.argv[2]), actor="ana") as store:
        assert len(store.policy_table.restore_defaults(Asking(actor="ana"), "first")) == 6
        assert store.verify_chain().rows == 1
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [Path(sys.executable).parent / "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder / "site")
    return folder / "site"


def test_a_store_is_made_on_both_databases(installed: Path, place: Place, tmp_path: Path):
    urls = [f"sqlite:///{tmp_path}/store.db", place.url()]
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(installed), str(tmp_path / "state"), *urls],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
