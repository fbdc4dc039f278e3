"""sync.lock: versions and SHA-256 of what `dvt sync` has installed, as a file of requirements.

uv and pip take it as it is: `pip install --no-deps --require-hashes -r sync.lock`. It has no addresses.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from dvt.core.errors import LockInvalid

FILE = "sync.lock"
"""Name of the file."""
_HEAD = "# Written by `dvt sync`: what outputs and buckets need besides what dvt itself requires.\n"
_NEEDS = "# needs: "
_ENTRY = re.compile(
    r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.!+_-]*)((?: --hash=sha256:[0-9a-f]{64})*)$"
)
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_JAR = re.compile(r"^# jar: (\S+) (\S+) (sha256:[0-9a-f]{64})$", re.MULTILINE)
"""Matches a line about a jar, which is a comment to uv and pip."""
_CONTINUED = re.compile(r"\s*\\\n\s*")


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """A package at one version, and the hashes that its file may have."""

    name: str
    version: str
    hashes: tuple[str, ...]
    """Each as `sha256:…`."""

    @property
    def lines(self) -> str:
        """The package as a requirement with hashes."""
        return " \\\n    ".join(
            (f"{self.name}=={self.version}", *(f"--hash={hash_}" for hash_ in self.hashes))
        )


@dataclass(frozen=True, slots=True, order=True)
class LockedJar:
    """A jar of a JDBC driver, or of what that requires."""

    driver: str
    """Coordinates of the driver: `group:artifact:version`."""
    file: str
    """Name of the file."""
    hash: str
    """As `sha256:…`."""

    @property
    def line(self) -> str:
        """The jar as a line of the lock."""
        return f"# jar: {self.driver} {self.file} {self.hash}\n"


@dataclass(frozen=True, slots=True)
class Lock:
    """The content of a lock file."""

    needs: tuple[str, ...] = ()
    """The requirements from which the packages follow."""
    packages: tuple[LockedPackage, ...] = ()
    jars: tuple[LockedJar, ...] = ()

    @property
    def by_name(self) -> dict[str, LockedPackage]:
        """The packages by their names."""
        return {package.name: package for package in self.packages}

    @property
    def text(self) -> str:
        """The file's text."""
        jars = "".join(jar.line for jar in sorted(self.jars))
        return f"{_HEAD}{_NEEDS}{' | '.join(self.needs)}\n{jars}{requirements_text(self.packages)}"


def requirements_text(packages: Iterable[LockedPackage]) -> str:
    """Return packages as a file of requirements with hashes."""
    return "".join(f"{package.lines}\n" for package in packages)


def packages_in(text: str, file: str) -> tuple[LockedPackage, ...]:
    """Return the packages of a file of requirements with hashes; LockInvalid if it is none."""
    packages = []
    number = 1
    for logical in _CONTINUED.sub(lambda match: " " + "\0" * match[0].count("\n"), text).split("\n"):
        line = " ".join(logical.replace("\0", "").split())
        if line and not line.startswith("#"):
            found = _ENTRY.match(line)
            if found is None or not found[3]:
                problem = "this is not a package with its version and its SHA-256"
                raise LockInvalid(file, number, problem)
            packages.append(
                LockedPackage(canonicalize_name(found[1]), found[2], tuple(_HASH.findall(found[3])))
            )
        number += 1 + logical.count("\0")
    return tuple(sorted(packages, key=lambda package: package.name))


def read_lock(file: Path) -> Lock:
    """Return what is in a lock file; nothing if there is no file."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Lock()
    except (OSError, ValueError) as error:
        raise LockInvalid(str(file), 1, f"it cannot be read ({type(error).__name__})") from None
    needs = next((line.removeprefix(_NEEDS) for line in text.splitlines() if line.startswith(_NEEDS)), "")
    jars = tuple(LockedJar(*found.groups()) for found in _JAR.finditer(text))
    return Lock(tuple(need for need in needs.split(" | ") if need), packages_in(text, str(file)), jars)


def write_lock(file: Path, lock: Lock) -> None:
    """Write a lock file, whole or not at all."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_text(lock.text, encoding="utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
