"""The demo of the lifecycle runs as `make lifecycle-demo` runs it: no trap is touched."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

MESSY = ROOT / "examples/messy"


@pytest.mark.slow
def test_the_mess_is_cleaned_and_one_file_is_back(tmp_path: Path):
    folder = tmp_path / "messy"
    shutil.copytree(MESSY, folder, ignore=shutil.ignore_patterns("data", "logs", ".dvt", "__pycache__"))
    ran = subprocess.run(
        [sys.executable, ROOT / "tools/lifecycle_demo.py", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    printed = ran.stdout + ran.stderr
    assert ran.returncode == 0, printed
    assert "made 3,000 files" in printed
    (deleted,) = re.findall(r"^temp_files: (\d+) items .* deleted$", printed, re.MULTILINE)
    assert int(deleted) > 400
    assert re.search(r"^run \w+ completed; ", printed, re.MULTILINE)
    assert "restored  " in printed
    assert "none was changed" in printed
    assert " backups are right, 0 are not" in printed
    assert printed.rstrip().endswith("http://127.0.0.1:8642/pipeline-management")
    assert (folder / ".dvt/operations/operation_backfill_0019.json").exists()
    for trap in (
        ".dvt/operations/operation_unreadable.json",
        ".dvt/operations/operation_of_no_status.json",
        ".dvt/operations/operation_of_the_future.json",
        ".dvt/operations/operation_still_running.json",
        ".dvt/operations/operation_only_success.json",
        "data/exports/region_0/golden_2020.csv",
        "data/exports/region_0/hard_linked.csv",
        "data/exports/region_0/thesis.docx",
        "data/exports/region_0/link.csv",
        "data/exports/-rf.csv",
        "data/elsewhere/not_ours.csv",
    ):
        assert (folder / trap).exists(), trap
