"""dvt's jar for JDBC is what its sources say."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from tools.jdbc_bridge import JAR, build, digest


def test_the_jar_was_compiled_from_its_sources():
    with zipfile.ZipFile(JAR) as jar:
        manifest = jar.read("META-INF/MANIFEST.MF").decode()
    assert f"Sources: {digest()[:60]}" in manifest, "python tools/jdbc_bridge.py"


@pytest.mark.slow
def test_the_same_sources_give_the_same_classes(tmp_path: Path):
    if shutil.which("javac") is None:
        pytest.skip("there is no Java compiler")
    build(tmp_path / "bridge.jar")
    with zipfile.ZipFile(JAR) as ours, zipfile.ZipFile(tmp_path / "bridge.jar") as theirs:
        assert ours.namelist() == theirs.namelist()
        assert [len(ours.read(name)) for name in ours.namelist()] == [
            len(theirs.read(name)) for name in theirs.namelist()
        ]
