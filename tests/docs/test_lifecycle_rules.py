"""Every rule of the lifecycle has tests, and each test that the page names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PAGE = TOP / "docs/reference/lifecycle-rules.md"
RULES = [f"R{number}" for number in range(1, 26)]


def sections() -> dict[str, str]:
    parts = re.split(r"^## (R\d+)\. .+$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def functions_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_rule_is_on_the_page_in_its_place():
    assert list(sections()) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_each_test_of_a_rule_is_there(rule):
    lines = re.findall(r"^- `(tests/[^`]+\.py)`: (.+)$", sections()[rule], flags=re.MULTILINE)
    assert lines
    for file, listed in lines:
        named = re.findall(r"`(\w+)`", listed)
        assert named
        assert set(named) <= functions_in(TOP / file), file
