"""Reads what is installed in a Python environment from its metadata, without a process for each package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dvt.core.errors import EnvironmentUnusable

_LEAST = (3, 11)
"""The oldest Python that dvt runs on."""
_SECONDS = 30
"""Seconds that an interpreter may take to say where its packages are."""
_ASK = """
import json, platform, sys, sysconfig
print(json.dumps({
    "path": sys.path,
    "site": sysconfig.get_path("purelib"),
    "version": list(sys.version_info[:2]),
    "markers": {
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "python_full_version": platform.python_version(),
        "implementation_name": sys.implementation.name,
        "platform_python_implementation": platform.python_implementation(),
    },
}))
"""
_VENV_HINT = "python -m venv makes one; --python-env names it, or its python"


@dataclass(frozen=True, slots=True)
class _Package:
    """What the metadata of an installed package says, read once."""

    version: str
    requires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python environment at one moment: what was installed later is in another object."""

    python: Path
    site: Path
    """The folder that packages are installed into."""
    _path: tuple[str, ...]
    _markers: Mapping[str, str]
    _known: dict[str, _Package | None] = field(default_factory=dict)

    def version(self, name: str) -> str | None:
        """Return a package's version; None if it is not installed."""
        found = self._find(name)
        return None if found is None else found.version

    def problems(self, requirement: Requirement) -> Iterator[str]:
        """Yield what is missing for a requirement, and for all that its package requires in turn."""
        yield from self._problems(requirement, "", set())

    def required(self, requirement: Requirement) -> dict[str, str]:
        """Return the installed versions of a package, and of all that it requires in turn, by name."""
        seen: set[tuple[str, frozenset[str]]] = set()
        for _ in self._problems(requirement, "", seen):
            pass
        versions = {name: self.version(name) for name, _ in seen}
        return {name: version for name, version in versions.items() if version}

    def requirements(self, name: str) -> list[Requirement]:
        """Return what an installed package requires itself; nothing if it is not installed."""
        found = self._find(name)
        return [] if found is None else list(self._children(found, set()))

    def refuse_unwritable(self) -> None:
        """Raise EnvironmentUnusable unless this user may install packages."""
        if not os.access(self.site, os.W_OK | os.X_OK):
            problem = f"this user may not write to {self.site}"
            raise EnvironmentUnusable(str(self.python), problem, _VENV_HINT)

    def _find(self, name: str) -> _Package | None:
        key = canonicalize_name(name)
        if key not in self._known:
            found = distributions(name=key, path=list(self._path))
            # What an interrupted installation has left may have no metadata.
            there = next((one for one in found if one.metadata["Name"]), None)
            known = None if there is None else _Package(there.version, tuple(there.requires or ()))
            self._known[key] = known
        return self._known[key]

    def _problems(
        self, requirement: Requirement, parent: str, seen: set[tuple[str, frozenset[str]]]
    ) -> Iterator[str]:
        by = f", which {parent} requires," if parent else ""
        found = self._find(requirement.name)
        if found is None:
            yield f"{requirement.name}{by} is not installed"
            return
        if not requirement.specifier.contains(found.version, prereleases=True):
            yield f"{requirement.name}{by} is installed as {found.version}, not {requirement.specifier}"
        key = (str(canonicalize_name(requirement.name)), frozenset(requirement.extras))
        if key in seen:
            return
        seen.add(key)
        for child in self._children(found, requirement.extras):
            yield from self._problems(child, requirement.name, seen)

    def _children(self, package: _Package, extras: set[str]) -> Iterator[Requirement]:
        for text in package.requires:
            child = _parsed(text)
            variables = ({**self._markers, "extra": extra} for extra in ("", *extras))
            if child.marker is None or any(child.marker.evaluate(values) for values in variables):
                yield child


def own_environment() -> Environment:
    """Return the environment that dvt runs in."""
    return Environment(
        Path(sys.executable),
        Path(sysconfig.get_path("purelib")),
        tuple(sys.path),
        _variables({}),
    )


def environment_at(place: Path) -> Environment:
    """Return the environment of a folder, or of an interpreter; EnvironmentUnusable if there is none."""
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python") if place.is_dir() else place
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the user has named the interpreter
            [python.absolute(), "-I", "-c", _ASK],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
        said = json.loads(done.stdout)
        path, site, version, markers = said["path"], said["site"], said["version"], said["markers"]
    except (OSError, ValueError, LookupError, TypeError, subprocess.SubprocessError) as error:
        problem = f"there is no Python that runs ({type(error).__name__})"
        raise EnvironmentUnusable(str(place), problem, _VENV_HINT) from None
    if tuple(version) < _LEAST:
        numbers = ".".join(map(str, version))
        hint = f"make an environment of Python {'.'.join(map(str, _LEAST))} or newer"
        raise EnvironmentUnusable(str(place), f"it has Python {numbers}, on which dvt does not run", hint)
    return Environment(python.absolute(), Path(site), tuple(path), _variables(markers))


def _variables(markers: Mapping[str, str]) -> dict[str, str]:
    return {**{name: str(value) for name, value in default_environment().items()}, **markers}


@cache
def _parsed(text: str) -> Requirement:
    return Requirement(text)
