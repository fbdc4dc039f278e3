"""A folder of small wheels as the only registry of uv and pip, and an empty environment to fill."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

PROFILE = "shop:\n  target: a\n  outputs:\n"


class Wheelhouse:
    """A project, a folder of wheels and a virtual environment."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.wheels = folder / "wheels"
        self.project = folder / "shop"
        self.env = folder / "env"
        for place in (self.wheels, self.project):
            place.mkdir()
        config = folder / "uv.toml"
        config.write_text(f'[pip]\nno-index = true\nfind-links = ["{self.wheels}"]\n')
        monkeypatch.setenv("UV_CONFIG_FILE", str(config))
        monkeypatch.setenv("UV_CACHE_DIR", str(folder / "cache"))
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(self.wheels))
        monkeypatch.setenv("HOME", str(folder))
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self.env)], check=True)
        (self.project / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")

    def outputs(self, **kinds: str) -> None:
        """Write profiles.yml with an output of each type."""
        lines = "".join(f"    {name}: {{type: {kind}}}\n" for name, kind in kinds.items())
        (self.project / "profiles.yml").write_text(PROFILE + lines)

    def wheel(self, name: str, version: str, requires: Collection[str] = (), text: str = "") -> Path:
        """Put a package with one module into the folder; `text` makes its bytes differ."""
        stem = f"{name.replace('-', '_')}-{version}"
        info = f"{stem}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        files = {
            f"{name.replace('-', '_')}_module.py": f"TEXT = {text!r}\n",
            f"{info}/METADATA": metadata + "".join(f"Requires-Dist: {line}\n" for line in requires),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        file = self.wheels / f"{stem}-py3-none-any.whl"
        _write(file, files, f"{info}/RECORD")
        return file

    def files(self) -> dict[str, int]:
        """Return all files of the environment, with the times at which they were changed."""
        return {str(file): file.stat().st_mtime_ns for file in self.env.rglob("*") if file.is_file()}


def _write(file: Path, files: Mapping[str, str], record: str) -> None:
    rows = ""
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows += f"{name},sha256={digest},{len(text)}\n"
        archive.writestr(record, f"{rows}{record},,\n")
