"""The project's files, for tests of its shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SRC = ROOT / "src" / "dvt"


def python_files(*folders: str) -> list[Path]:
    """Return every Python file below the folders of the repository."""
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


@cache
def syntax_tree(file: Path) -> ast.Module:
    """Return a file's syntax tree, parsed once for all tests; they only read it."""
    return ast.parse(file.read_text(encoding="utf-8"))


def calls(file: Path) -> Iterator[tuple[str, int]]:
    """Yield every call in a file as (dotted name as written, line)."""
    for node in ast.walk(syntax_tree(file)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def where(file: Path, line: int | None = None) -> str:
    """Return a place as an editor opens it: path and line."""
    path = file.relative_to(ROOT).as_posix()
    return f"{path}:{line}" if line else path
