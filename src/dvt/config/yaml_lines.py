"""Parses YAML with the line of every value, and replaces environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import yaml

from dvt.core.errors import ComputesInvalid

Path = tuple[str | int, ...]

_MAX_DEPTH = 20
"""Levels of nesting that a file may have."""
_VARIABLE = re.compile(
    r"""\$\{(?P<plain>\w+)\}
      | \{\{\s*env_var\(\s*(?P<quote>['"])(?P<name>\w+)(?P=quote)\s*
          (?:,\s*(?P<quote2>['"])(?P<default>.*?)(?P=quote2)\s*)?\)\s*\}\}""",
    re.VERBOSE,
)
"""Matches `${NAME}` and `{{ env_var('NAME', 'default') }}`."""


class Document:
    """A YAML file as plain Python values, with the line of each."""

    def __init__(self, file: str, text: str, environment: Mapping[str, str] = os.environ) -> None:
        self.file = file
        self._environment = environment
        self._lines: dict[Path, int] = {}
        self._loader = yaml.SafeLoader("")
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else None
            raise ComputesInvalid(file, line, error.problem or "this is not YAML") from error
        except yaml.YAMLError as error:
            raise ComputesInvalid(file, None, "this is not YAML") from error
        self.content: Any = None if root is None else self._value(root, ())

    def line(self, path: Path) -> int | None:
        """Return the line of a value, or of the innermost existing value around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self._lines:
                return self._lines[path[:end]]
        return None

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if len(path) > _MAX_DEPTH:
            raise ComputesInvalid(self.file, node.start_mark.line + 1, "this is nested too deeply")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key, line = self._scalar(key_node), key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise ComputesInvalid(self.file, line, f"{key_node.value!r} is no name")
            if key in mapping:
                raise ComputesInvalid(self.file, line, f"{key!r} stands here twice")
            self._lines[(*path, key)] = line
            mapping[key] = self._value(value_node, (*path, key))
        return mapping

    def _scalar(self, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise ComputesInvalid(self.file, node.start_mark.line + 1, "a key must be a name")
        line = node.start_mark.line + 1
        text = _VARIABLE.sub(lambda match: self._variable(match, line), node.value)
        if text != node.value:
            # The new text may be a number or a boolean.
            tag = self._loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
            node = yaml.ScalarNode(tag, text, node.start_mark, node.end_mark)
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raise ComputesInvalid(self.file, line, "this value cannot be read") from error

    def _variable(self, match: re.Match[str], line: int) -> str:
        name = match["plain"] or match["name"]
        value = self._environment.get(name, match["default"])
        if value is None:
            raise ComputesInvalid(self.file, line, f"environment variable {name} is not set")
        return value
