"""Jars of databases and drivers from Maven's repository, for tests."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path.home() / ".m2" / "repository"
_SECONDS = 240


@cache
def jar(coordinates: str) -> Path:
    """Return the jar of `group:artifact:version`; skip the test where it cannot be had."""
    group, artifact, version = coordinates.split(":")
    path = REPOSITORY / group.replace(".", "/") / artifact / version / f"{artifact}-{version}.jar"
    if not path.exists():
        maven = shutil.which("mvn")
        if maven is None:
            pytest.skip("Maven is not installed: apt-get install maven")
        command = [maven, "-q", "dependency:get", f"-Dartifact={coordinates}", "-Dtransitive=false"]
        done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)
        if done.returncode or not path.exists():
            pytest.skip(f"{coordinates} cannot be had: {done.stdout.decode(errors='replace')[-300:]}")
    return path


def java() -> str:
    """Return the path of Java; skip the test where there is none."""
    found = shutil.which("java")
    if found is None:
        pytest.skip("Java is not installed: apt-get install default-jdk-headless")
    return found
