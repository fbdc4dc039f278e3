"""Finds the line of a value in a YAML file that somebody else has read, such as dbt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True)
class Named:
    """A step of a path: the entry of a list whose key `name` has this value."""

    name: str


Step = str | Named
"""A step of a path in a YAML file: a key of a mapping, or an entry of a list."""
YamlPath = tuple[Step, ...]


def line_of(file: Path, *paths: YamlPath, exact: bool = False) -> int | None:
    """Return the line of the first of the paths that is in the file.

    If none is: None with `exact`, else the line of the part of the last path that is there. None if the file
    cannot be read.
    """
    root = _compose(file)
    if root is None:
        return None
    walks = [_walk(root, path) for path in paths]
    lines = (line for is_there, line in walks if is_there)
    return next(lines, None if exact else walks[-1][1])


def _compose(file: Path) -> yaml.Node | None:
    try:
        root: yaml.Node | None = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return root


def _walk(node: yaml.Node, path: YamlPath) -> tuple[bool, int]:
    """Return whether all of the path is there, and the line of the last step that is."""
    line = int(node.start_mark.line) + 1
    for step in path:
        child = next(iter(_child(node, step)), None)
        if child is None:
            return False, line
        marked, node = child
        line = int(marked.start_mark.line) + 1
    return True, line


def _child(node: yaml.Node, step: Step) -> Iterable[tuple[yaml.Node, yaml.Node]]:
    """Yield the child that a step leads to, after the node that has its line."""
    if isinstance(step, str) and isinstance(node, yaml.MappingNode):
        yield from ((key, value) for key, value in node.value if key.value == step)
    if isinstance(step, Named) and isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            if any(name.value == step.name for _, name in _child(entry, "name")):
                yield entry, entry
