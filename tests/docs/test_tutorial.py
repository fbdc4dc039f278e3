"""The tutorial is followed word for word, and must give the tables that it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.docs.pages import ROOT

STEP = re.compile(
    r'^```(?:\w+ title="(?P<file>[^"]+)"|console)\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)


def follow(page: Path, folder: Path) -> list[str]:
    """Write the page's files and run its commands, in their order; return what they printed."""
    printed = []
    for step in STEP.finditer(page.read_text(encoding="utf-8")):
        if step["file"]:
            file = folder / step["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(step["text"], encoding="utf-8")
        else:
            commands = [line[2:] for line in step["text"].splitlines() if line.startswith("$ ")]
            printed += [_run(command, folder) for command in commands]
    return printed


def _run(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    process = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, f"{command}\n{process.stdout}{process.stderr}"
    return process.stdout


@pytest.mark.slow
def test_the_tutorial_can_be_followed_word_for_word(tmp_path: Path):
    printed = follow(ROOT / "docs" / "tutorial.md", tmp_path)
    plan = next(output for output in printed if "federated" in output)
    assert "register" in plan
    assert "2025-12-01" in plan
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        spent = warehouse.execute(
            "select name, orders, spent::varchar from spending order by name"
        ).fetchall()
        assert spent == [("Ada", 1, "20.00"), ("Bilal", 1, "12.25"), ("Chloé", 0, "0.00")]
        days = warehouse.execute("select count(*), sum(turnover)::varchar from turnover").fetchall()
        assert days == [(3, "41.75")]
    assert not list((tmp_path / ".dvt" / "staging").glob("*"))
