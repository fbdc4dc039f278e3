"""Sizes and names: what keeps a file readable without scrolling, and findable by its name."""

from __future__ import annotations

import re

from tests.architecture.sources import ROOT, SRC, python_files, where

HARD_STOP = 400
COMFORTABLE = 300

LONGER: dict[str, int] = {
    "src/dvt/core/errors.py": 700,  # one registry: every code is found, and is unique, in one place
}
"""Files that may pass the hard stop, and how far."""

VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "base", "impl", "misc"}

UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|NotImpl" + r"ementedError")

REGISTRY = re.compile(
    r"py" + r"pi\.org|python" + r"hosted\.org|registry\.npm" + r"js|repo1?\.mav" + r"en|crates" + r"\.io"
)


def _lines(file) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def test_no_file_passes_the_hard_stop():
    long = {
        where(file): _lines(file)
        for file in python_files("src", "tests", "tools", "benchmarks", "examples")
        if _lines(file) > LONGER.get(where(file), HARD_STOP)
    }
    assert not long, f"split along the flow: {long}"


def test_long_files_are_the_exception():
    files = python_files("src")
    long = [where(file) for file in files if _lines(file) > COMFORTABLE]
    assert len(long) <= len(files) // 10, f"more than a tenth of the files pass {COMFORTABLE} lines: {long}"


def test_exceptions_are_still_needed():
    stale = [name for name in LONGER if _lines(ROOT / name) <= HARD_STOP]
    assert not stale, f"no exception needed any more: {stale}"


def test_names_say_what_is_inside():
    vague = [where(file) for file in python_files("src", "tests") if file.stem.strip("_") in VAGUE]
    vague += [where(folder) for folder in SRC.rglob("*") if folder.is_dir() and folder.name in VAGUE]
    assert not vague


def test_nothing_is_left_unfinished():
    found = [
        where(file, number)
        for file in python_files("src", "tests", "tools", "benchmarks", "examples")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not found


def test_no_address_of_a_package_registry_is_written_down():
    """Where packages come from is for whoever installs them to say: a mirror must do."""
    folders = ("src", "tests", "tools", "docs", "examples", "benchmarks", "requirements", ".ci")
    suffixes = {".py", ".md", ".toml", ".txt", ".in", ".sh", ".yml", ".yaml", ".sql", ""}
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.is_file()]
    files += [file for file in ROOT.iterdir() if file.is_file()]
    found = [
        where(file)
        for file in files
        if file.suffix in suffixes and REGISTRY.search(file.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert not found
