"""What docs/how-to/encrypt-backups.md says can be done in its order, with `age` itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.lifecycle.projects import Project

PAGE = Path(__file__).parents[2] / "docs/how-to/encrypt-backups.md"
EXAMPLE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")
def test_backups_are_encrypted_and_read_as_the_page_says(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop")
    folder = project.folder
    make, second, clean, restore, without_dvt = blocks("sh")
    encrypt, decrypt = blocks("yaml")

    def bash(script: str) -> str:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euc", script],
            check=False,
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "SECRET-KEY" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def settings(backups: str) -> None:
        project.settings("dbt_logs: {days: 7}")
        file = folder / "lifecycle.yml"
        file.write_text(file.read_text() + backups.replace(EXAMPLE, recipient))

    bash("dvt lifecycle init")
    recipient = re.search("age1[a-z0-9]+", bash(make))[0]
    bash(second)
    for key in ("backup.key", "second.key"):
        assert (folder / key).stat().st_mode & 0o777 == 0o600
    key = shutil.move(folder / "backup.key", tmp_path / "backup.key")
    bash("age-keygen -y second.key")
    settings(encrypt)
    logs = [project.log(f"dbt.log.{number}", 800) for number in (1, 2)]
    told = bash(clean)
    assert "they cannot be read here: lifecycle.yml names no" in told
    assert "2 are encrypted, and are as they were written; they were not decrypted" in told
    assert not any(log.exists() for log in logs)
    settings(decrypt)
    shutil.move(key, folder / "backup.key")
    assert "2 backups are right, 0 are not" in bash(restore)
    content = [log.read_text() for log in logs]
    assert content == ["a line\n" * 10] * 2
    bash(without_dvt)
    assert [(folder / log.name).read_text() for log in logs] == content
