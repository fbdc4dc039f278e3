"""Jars of databases and drivers from Maven's repository, for tests."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path.home() / ".m2" / "repository"
_SECONDS = 240
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dvt</groupId><artifactId>jars</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version><classifier>{}</classifier>
  </dependency></dependencies>
</project>
"""


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


@cache
def jars_of(coordinates: str) -> tuple[Path, ...]:
    """Return the jars of a driver and of all that it requires; skip the test where they cannot be had."""
    maven = shutil.which("mvn")
    if maven is None:
        pytest.skip("Maven is not installed: apt-get install maven")
    group, artifact, version, *classifier = coordinates.split(":")
    with tempfile.TemporaryDirectory() as folder:
        pom, listed = Path(folder) / "pom.xml", Path(folder) / "classpath"
        pom.write_text(_POM.format(group, artifact, version, classifier[0] if classifier else ""))
        goal = ["dependency:build-classpath", "-DincludeScope=runtime", f"-Dmdep.outputFile={listed}"]
        command = [maven, "-q", "-B", f"-f{pom}", *goal]
        done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)
        if done.returncode:
            pytest.skip(f"{coordinates} cannot be had: {done.stdout.decode(errors='replace')[-300:]}")
        return tuple(Path(path) for path in listed.read_text().strip().split(":"))


def java() -> str:
    """Return the path of Java; skip the test where there is none."""
    found = shutil.which("java")
    if found is None:
        pytest.skip("Java is not installed: apt-get install default-jdk-headless")
    return found
