"""Every field that one room hands to another is read by some room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from functools import cache

import pytest

from dvt.core.ports.bridge import RunContext
from dvt.core.ports.connectors import Capabilities, ConnectorContext
from dvt.core.tables import Column, Table
from dvt.resolution.output_types import OutputType
from tests.architecture.sources import python_files, syntax_tree

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [field.name for field in fields(Capabilities)])
def test_every_capability_is_asked_for(name: str):
    assert name in _capabilities_read()


@pytest.mark.parametrize("of", [OutputType, Column, Table, RunContext, ConnectorContext])
def test_every_field_is_read(of: type):
    """Fields are compared by name alone, since the code does not tell the types."""
    assert not {field.name for field in fields(of)} - {
        read.attr for tree in _trees() for read in _reads(tree)
    }


@cache
def _trees() -> tuple[ast.Module, ...]:
    return tuple(syntax_tree(file) for file in python_files("src"))


def _reads(tree: ast.AST) -> Iterator[ast.Attribute]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield node


@cache
def _capabilities_read() -> set[str]:
    """Return the attributes read of `….capabilities`, or of a variable that holds such a value."""
    names: set[str] = set()
    for tree in _trees():
        holders = {ast.unparse(target) for node in ast.walk(tree) for target in _assigned(node)}
        names |= {
            read.attr
            for read in _reads(tree)
            if _is_capabilities(read.value) or ast.unparse(read.value) in holders
        }
    return names


def _assigned(node: ast.AST) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) and _is_capabilities(node.value) else []


def _is_capabilities(value: ast.expr) -> bool:
    return isinstance(value, ast.Attribute) and value.attr == "capabilities"
