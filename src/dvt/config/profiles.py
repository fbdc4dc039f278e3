"""profiles.yml read without dbt: the outputs of a profile, for commands that need no dbt.

A run of dbt takes them from dbt itself (`dbt_bridge.outputs.profile_outputs`); a test compares the two.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dvt.config.profile_values import CannotRender, Renderer
from dvt.core.errors import ProfilesInvalid, UnknownConnection, nearest

FILE = "profiles.yml"
VARIABLES = ("DVT_PROFILES_DIR", "DBT_ENGINE_PROFILES_DIR", "DBT_PROFILES_DIR")
"""Environment variables that name the folder of profiles.yml, the first that is set."""
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_QUOTED = re.compile(r"'.*'|\".*\"", re.DOTALL)
"""Matches what YAML's messages quote: it may be a part of a password."""


def profiles_dir(
    project_dir: Path, asked: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Path:
    """Return the folder of profiles.yml: the one of --profiles-dir, a variable's, or the default one."""
    named = asked or next((environment[name] for name in VARIABLES if environment.get(name)), None)
    return Path(named) if named else default_profiles_dir(project_dir)


def default_profiles_dir(project_dir: Path, home: Path | None = None) -> Path:
    """Where profiles.yml is: the project, the working directory, `~/.dvt`, then dbt's own `~/.dbt`."""
    home = home or Path.home()
    for folder in (project_dir, Path.cwd(), home / ".dvt"):
        if (folder / FILE).exists():
            return folder
    return home / ".dbt"


def load_profile(
    folder: Path,
    name: str,
    *,
    variables: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Profile:
    """Load a profile from the profiles.yml in `folder`; `variables` are those of --vars."""
    file = folder / FILE
    root, content = _parsed(file)
    if name not in content:
        raise ProfilesInvalid(str(file), None, f"there is no profile {name!r}", nearest(name, content))
    profile = content[name]
    if not isinstance(profile, dict) or not isinstance(profile.get("outputs"), dict):
        raise ProfilesInvalid(str(file), _line(root, (name,)), f"profile {name!r} has no outputs")
    return Profile(file, name, profile, root, Renderer(variables or {}, environment))


def profile_names(folder: Path) -> tuple[str, ...]:
    """Return the names of all profiles in the profiles.yml of `folder`; `config` is none, as in dbt."""
    _, content = _parsed(folder / FILE)
    return tuple(str(name) for name in content if name != "config")


@dataclass(frozen=True, slots=True)
class Profile:
    """Implements Settings. An output is rendered when it is asked for: others may lack their variables."""

    file: Path
    name: str
    _content: Mapping[str, Any]
    _root: yaml.Node
    _renderer: Renderer

    def __repr__(self) -> str:
        return f"<Profile {self.name}: {', '.join(self.names)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """Every output's name."""
        return tuple(map(str, self._content["outputs"]))

    @property
    def target(self) -> str:
        """Name of the default output."""
        return str(self._rendered(self._content.get("target", "default"), "target"))

    def output(self, name: str) -> Mapping[str, Any]:
        """See Settings."""
        rendered: Mapping[str, Any] = self._rendered(self._keys(name), "outputs", name)
        return rendered

    def kind(self, name: str) -> str:
        """Return the type of an output; its other keys may lack their variables."""
        kind = self._rendered(self._keys(name).get("type"), "outputs", name, "type")
        if not isinstance(kind, str) or not kind:
            raise self._invalid(("outputs", name), "has no type")
        return kind

    def beginning(self, name: str, key: str) -> str:
        """Return the beginning of a key's text, up to its first Jinja; empty without such a key."""
        value = self._keys(name).get(key)
        return value.partition("{")[0] if isinstance(value, str) else ""

    def names_key(self, name: str, key: str) -> bool:
        """Whether an output has a key."""
        return key in self._keys(name)

    def value(self, name: str, key: str) -> Any:
        """Return the value of one key; the others may lack their variables."""
        return self._rendered(self._keys(name).get(key), "outputs", name, key)

    def _keys(self, name: str) -> Mapping[str, Any]:
        outputs = {str(key): keys for key, keys in self._content["outputs"].items()}
        if name not in outputs:
            raise UnknownConnection(f"{self.file}, profile {self.name!r}: a command", name, self.names)
        if not isinstance(outputs[name], dict):
            raise self._invalid(("outputs", name), "is not a mapping of keys")
        keys: Mapping[str, Any] = outputs[name]
        return keys

    def _rendered(self, value: Any, *path: str) -> Any:
        try:
            return self._renderer.render(value, path)
        except CannotRender as error:
            raise self._invalid(error.path, error.problem, error.hint) from None
        except RecursionError:
            raise self._invalid(path, "refers to itself") from None

    def _invalid(self, path: tuple[str, ...], problem: str, hint: str = "") -> ProfilesInvalid:
        line = _line(self._root, (self.name, *path))
        where = f"profile {self.name!r}, {'.'.join(path)}"
        return ProfilesInvalid(str(self.file), line, f"{where}: {problem}", hint)


def _parsed(file: Path) -> tuple[yaml.Node, Mapping[Any, Any]]:
    """Return what `_parse` does of a file that has profiles."""
    root, content = _parse(file)
    if not isinstance(content, dict) or not content:
        raise ProfilesInvalid(str(file), None, "there is no profile in it")
    return root, content


def _parse(file: Path) -> tuple[Any, Any]:
    """Return the file's nodes, which know their lines, and its content; no message shows a value."""
    try:
        loader = _LOADER(file.read_text(encoding="utf-8"))
        root = loader.get_single_node()
        return root, loader.construct_document(root) if root else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = _QUOTED.sub("‹…›", getattr(error, "problem", None) or "it cannot be read")
        hint = "text that begins with one of * & ! % @ ` needs quotes"
        raise ProfilesInvalid(
            str(file), mark and mark.line + 1, f"this is not YAML: {problem}", hint
        ) from None
    except FileNotFoundError:
        hint = f"looked for by --profiles-dir, {', '.join(VARIABLES)}, in the project, ~/.dvt and ~/.dbt"
        raise ProfilesInvalid(str(file), None, "there is no such file", hint) from None
    except (OSError, ValueError) as error:
        raise ProfilesInvalid(str(file), None, f"it cannot be read ({type(error).__name__})") from None


def _line(node: yaml.Node, path: tuple[str, ...]) -> int:
    """Return the line of the innermost value on the way to `path`."""
    line = int(node.start_mark.line) + 1
    for key in path:
        children: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        if isinstance(node, yaml.MappingNode):
            children = {str(name.value): (name, value) for name, value in node.value}
        elif isinstance(node, yaml.SequenceNode):
            children = {str(place): (value, value) for place, value in enumerate(node.value)}
        if key not in children:
            break
        marked, node = children[key]
        line = int(marked.start_mark.line) + 1
    return line
