"""On plain trees dvt deletes what tmpreaper, systemd-tmpfiles and find delete that are told the same age."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.retention import CleanupType, RunStatus
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.system import System

pytestmark = pytest.mark.slow

DAYS = 30
DAY = 86_400
MARKER = ".dvt-lifecycle.json"


def tree(top: Path, seed: int) -> Path:
    """Make the same tree of files for a seed: up to four folders deep, of ages on both sides of the limit."""
    choose = random.Random(seed)
    now = time.time()
    for number in range(200):
        folder = top.joinpath(*(choose.choice("pqr") for _ in range(choose.randrange(4))))
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / choose.choice(["a {}.log", "ü{}", "-rf{}", ".hidden{}", "new\nline{}"]).format(number)
        file.write_bytes(b"x" * choose.randrange(5000))
        age = choose.choice([0.5, 1.5, DAYS - 1.5, DAYS - 0.2, DAYS + 0.2, DAYS + 1.5, 300.5]) * DAY
        os.utime(file, (now - age, now - age))
    for link in ("dead", "p/out"):
        if not (path := top / link).parent.exists():
            continue
        path.symlink_to("/nowhere")
    return top


def files(top: Path) -> set[str]:
    found = (path for path in top.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(top)) for path in found if path.name != MARKER}


def by_find(top: Path) -> None:
    limit = f"@{time.time() - DAYS * DAY}"
    command = ["find", top, "-type", "f", "!", "-newermt", limit, "-delete"]
    subprocess.run(command, check=True)


def by_tmpreaper(top: Path) -> None:
    command = ["tmpreaper", "--mtime", "--all", "--protect", f"{top}/{MARKER}", f"{DAYS}d", str(top)]
    subprocess.run(command, check=True, capture_output=True)


def by_systemd(top: Path) -> None:
    settings = top.with_name("tmpfiles.conf")
    settings.write_text(f"d {top} - - - m:{DAYS}d\nx {top}/{MARKER}\n")
    subprocess.run(["systemd-tmpfiles", "--clean", str(settings)], check=True, capture_output=True)


def by_dvt(project: Path, top: Path) -> None:
    project.mkdir()
    (project / "lifecycle.yml").write_text(
        f"data: {{exports: {{in: [{top}], recursive: true}}}}\n"
        f"policies: {{exports: {{days: {DAYS}, age_by: [mtime], max_delete: 1.0}}}}\n"
    )
    list(begin(project, None, lambda: System(load_lifecycle(project))))
    with System(load_lifecycle(project)) as system:
        assert system.run(system.plan(), CleanupType.MANUAL).status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    ("program", "clean"),
    [("find", by_find), ("tmpreaper", by_tmpreaper), ("systemd-tmpfiles", by_systemd)],
)
@pytest.mark.parametrize("seed", range(3))
def test_the_same_files_go_as_another_cleaner_deletes(tmp_path, monkeypatch, program, clean, seed):
    monkeypatch.setenv("PATH", "/usr/sbin:/sbin", prepend=os.pathsep)
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}: sh tools/cleaners.sh installs it")
    ours, theirs = tree(tmp_path / "ours", seed), tree(tmp_path / "theirs", seed)
    all_files = files(ours)
    assert all_files == files(theirs)
    by_dvt(tmp_path / "project", ours)
    clean(theirs)
    assert files(ours) == files(theirs)
    assert set() < files(ours) < all_files
