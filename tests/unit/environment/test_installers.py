"""Which installer is taken, and what of its texts is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvt.environment.installed import own_environment
from dvt.environment.installers import _clean, find_installer

pytestmark = pytest.mark.slow


@pytest.fixture
def unconfigured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home, with neither uv nor pip told where packages come from."""
    for name in (
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_NO_INDEX",
        "PIP_CONFIG_FILE",
        "XDG_CONFIG_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def taken(**variables: str) -> str:
    return find_installer(own_environment(), None, variables).name


def test_uv_is_taken_where_nothing_is_configured(unconfigured: Path):
    assert taken() == "uv"


def test_pip_is_taken_if_only_pip_knows_the_registry(unconfigured: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example/simple")
    assert taken() == "pip"
    assert taken(UV_DEFAULT_INDEX="https://packages.example/simple") == "uv"


def test_a_file_of_uv_counts_as_its_configuration(unconfigured: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (unconfigured / ".config/uv").mkdir(parents=True)
    (unconfigured / ".config/uv/uv.toml").write_text("")
    assert taken() == "uv"


def test_a_text_has_no_passwords_and_no_drawings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REGISTRY_TOKEN", "abcdef123456")
    text = "  × No solution\n  ╰─▶ \x1b[31mhttps://me:hunter22@host/simple\x1b[0m abcdef123456"
    assert _clean(text) == "No solution https://***@host/simple ***"


def test_of_a_long_text_the_end_is_shown():
    assert _clean("x" * 2000 + " end").endswith("x end")
    assert len(_clean("x" * 2000)) < 1000
