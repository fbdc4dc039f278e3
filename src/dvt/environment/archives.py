"""Reads what packages say that are downloaded as source: what builds them, and which files they have."""

from __future__ import annotations

import tarfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from dvt.environment.lock import LockedPackage

_LEGACY = ("setuptools>=40.8.0",)
"""What builds a package that does not say it, by PEP 517."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A package as source."""

    requires: tuple[str, ...]
    """What builds it."""
    files: frozenset[str]
    """Names of its files, without their folders."""


def archives_of(packages: Iterable[LockedPackage], folder: Path) -> Iterator[Path]:
    """Yield the files in a folder by which packages came as source."""
    for package in packages:
        stem = package.name.replace("-", "?")  # names of files may have - or _
        yield from folder.glob(f"{stem}-{package.version}.tar.gz")


@cache
def read_archive(file: Path) -> Archive:
    """Return what an archive says; large ones take seconds."""
    requires = _LEGACY
    names = set()
    with tarfile.open(file) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            names.add(path.name)
            content = archive.extractfile(member) if _is_project(path) else None
            if content is not None:
                system = tomllib.loads(content.read().decode()).get("build-system", {})
                requires = tuple(system.get("requires", _LEGACY))
    return Archive(requires, frozenset(names))


def _is_project(path: PurePosixPath) -> bool:
    return len(path.parts) == 2 and path.name == "pyproject.toml"  # noqa: PLR2004  the package's folder, and it
