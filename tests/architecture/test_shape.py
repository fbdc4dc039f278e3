"""Sizes of files and their names, so that a file is read without scrolling and found by its name."""

from __future__ import annotations

import re

from tests.architecture.sources import ROOT, SRC, python_files, where

MAX_LINES = 400
"""Lines of a file, at most."""
USUAL_LINES = 300
"""Lines of a file that at most a tenth of the source files may exceed."""

EXCEPTIONS: dict[str, int] = {}
"""File → the lines it may have beyond MAX_LINES, in all."""

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
        if _lines(file) > EXCEPTIONS.get(where(file), MAX_LINES)
    }
    assert not long, f"split along the flow: {long}"


def test_long_files_are_the_exception():
    files = python_files("src")
    long = [where(file) for file in files if _lines(file) > USUAL_LINES]
    assert len(long) <= len(files) // 10, f"more than a tenth of the files pass {USUAL_LINES} lines: {long}"


def test_every_exception_is_still_needed():
    stale = [name for name in EXCEPTIONS if _lines(ROOT / name) <= MAX_LINES]
    assert not stale, f"no exception needed any more: {stale}"


def test_no_file_has_a_vague_name():
    vague = [where(file) for file in python_files("src", "tests") if file.stem.strip("_") in VAGUE]
    vague += [where(folder) for folder in SRC.rglob("*") if folder.is_dir() and folder.name in VAGUE]
    assert not vague


def test_nothing_is_left_unfinished():
    places = [
        where(file, number)
        for file in python_files("src", "tests", "tools", "benchmarks", "examples")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not places


def test_no_address_of_a_package_registry_is_written_down():
    """Users decide where packages come from: a mirror must do."""
    folders = ("src", "tests", "tools", "docs", "examples", "benchmarks", "requirements", ".ci")
    suffixes = {".py", ".md", ".toml", ".txt", ".in", ".sh", ".yml", ".yaml", ".sql", ""}
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.is_file()]
    files += [file for file in ROOT.iterdir() if file.is_file()]
    places = [
        where(file)
        for file in files
        if file.suffix in suffixes and REGISTRY.search(file.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert not places
