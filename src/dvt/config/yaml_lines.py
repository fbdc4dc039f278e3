"""Parses YAML with the line of every value, and replaces environment variables."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from dvt.core.errors import DvtError

Path = tuple[str | int, ...]
Invalid = Callable[[str, int | None, str], DvtError]
"""Makes the error of a file, given its path, a line of it, and the problem there."""

_MAX_DEPTH = 20
"""Levels of nesting that a file may have."""
_TOO_DEEP = "this is nested too deeply"
_MERGE = "tag:yaml.org,2002:merge"
_VARIABLE = re.compile(
    r"""\$\{(?P<plain>\w+)\}
      | \{\{\s*env_var\(\s*(?P<quote>['"])(?P<name>\w+)(?P=quote)\s*
          (?:,\s*(?P<quote2>['"])(?P<default>.*?)(?P=quote2)\s*)?\)\s*\}\}""",
    re.VERBOSE,
)
"""Matches `${NAME}` and `{{ env_var('NAME', 'default') }}`."""
_INDENTATION = (
    "mapping values are not allowed here",
    "expected <block end>",
    "did not find expected",
    "could not find expected ':'",
)
"""How the parser's messages begin where lines are not indented as their neighbours are."""


class Document:
    """A YAML file as plain Python values, with the line of each."""

    def __init__(
        self, file: str, text: str, invalid: Invalid, environment: Mapping[str, str] = os.environ
    ) -> None:
        """Parse `text`, which is the content of `file`; raise what `invalid` makes if that is impossible."""
        self.file = file
        self.unset: dict[Path, list[DvtError]] = {}
        """Values that name environment variables which are not set, with an error for each; they are None."""
        self.from_environment: set[Path] = set()
        """Values that come from environment variables, at least in part."""
        self._invalid = invalid
        self._environment = environment
        self._lines: dict[Path, int] = {}
        self._loader = yaml.SafeLoader("")
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else None
            raise invalid(file, line, _problem(error.problem or "")) from error
        except yaml.YAMLError as error:
            raise invalid(file, None, "this is not YAML") from error
        except RecursionError as error:
            raise invalid(file, None, _TOO_DEEP) from error
        self.content: Any = None if root is None else self._value(root, ())

    @classmethod
    def read(
        cls, file: pathlib.Path, invalid: Invalid, environment: Mapping[str, str] = os.environ
    ) -> Document:
        """Read and parse a file; raise what `invalid` makes if that is impossible."""
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise invalid(str(file), None, f"this file cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise invalid(str(file), None, "this file cannot be read: it is not in UTF-8") from error
        return cls(str(file), text, invalid, environment)

    def line(self, path: Path) -> int | None:
        """Return the line of a value, or of the innermost existing value around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self._lines:
                return self._lines[path[:end]]
        return None

    def error(self, path: Path, problem: str) -> DvtError:
        """Return the file's error for a value."""
        return self._invalid(self.file, self.line(path), problem)

    def unset_in(self, path: Path) -> list[DvtError]:
        """Return the errors of variables that are not set, for a value and what is in it."""
        return [error for at, errors in self.unset.items() if at[: len(path)] == path for error in errors]

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if len(path) > _MAX_DEPTH:
            raise self._invalid(self.file, node.start_mark.line + 1, _TOO_DEEP)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._invalid(self.file, line, "a key must be a name")
            if key_node.tag == _MERGE:
                raise self._invalid(self.file, line, "`<<` is not read: write the keys out")
            key = self._scalar(key_node, path)
            if not isinstance(key, str):
                raise self._invalid(self.file, line, f"{key_node.value!r} is no name")
            if key in mapping:
                raise self._invalid(self.file, line, f"{key!r} stands here twice")
            self._lines[(*path, key)] = line
            mapping[key] = self._value(value_node, (*path, key))
        return mapping

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        missing = [name for match in _VARIABLE.finditer(node.value) if (name := self._missing(match))]
        if missing:
            self.unset[path] = [self._unset(name, line) for name in dict.fromkeys(missing)]
            return None
        text = _VARIABLE.sub(self._replaced, node.value)
        if text != node.value or _VARIABLE.search(node.value):
            self.from_environment.add(path)
            # The new text may be a number or a boolean.
            tag = self._loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
            node = yaml.ScalarNode(tag, text, node.start_mark, node.end_mark)
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raise self._invalid(self.file, line, "this value cannot be read") from error

    def _unset(self, name: str, line: int) -> DvtError:
        error = self._invalid(self.file, line, f"environment variable {name} is not set")
        error.hint = f"set it, or give it a default: {{{{ env_var('{name}', '…') }}}}"
        return error

    def _missing(self, match: re.Match[str]) -> str | None:
        """Return the name of a variable that is not set and has no default."""
        name = match["plain"] or match["name"]
        return None if match["default"] is not None or name in self._environment else name

    def _replaced(self, match: re.Match[str]) -> str:
        return self._environment.get(match["plain"] or match["name"], match["default"])


def _problem(message: str) -> str:
    """Say a parser's message as people would, where it is one of those that everybody meets."""
    if "'\\t'" in message:
        return "a tab stands here; YAML is indented with spaces"
    if message == "but found another document":
        return "a second document begins here, and only one is read: leave out `---`"
    if "but got '{'" in message:
        return f"a value that has {{ in it needs quotes here ({message})"
    if message.startswith(_INDENTATION):
        return f"this line does not fit those above: is it indented as they are? ({message})"
    return message or "this is not YAML"
