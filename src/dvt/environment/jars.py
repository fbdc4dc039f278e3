"""Installs drivers of JDBC and jars of Spark for this user: by Maven, from where it is configured to look.

Each gets a folder with the jars that it requires, whole or not at all. Their SHA-256 are in sync.lock.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from xml.sax.saxutils import escape

from dvt.core.errors import DvtError, JarUnavailable
from dvt.core.libraries import JDBC, installed_jars, jar_folder
from dvt.core.masking import masked
from dvt.environment.lock import LockedJar, read_lock, write_lock
from dvt.environment.report import Item, Outcome

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dvt</groupId><artifactId>dvt</artifactId><version>1</version>
  <dependencies><dependency>{}</dependency></dependencies>
</project>
"""
_ALONE = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
_SHADED = "shaded"
"""Classifier of a jar that has what it requires in it."""
_PARTS = ("groupId", "artifactId", "version", "classifier")
_SECONDS = 900
"""Seconds after which Maven is given up."""
_MAVEN = "install Maven, such as the package maven, or fetch the jar by hand and name it by `jar`"
_LOCKED = "sync.lock has another SHA-256 for it: find out why, before you delete its lines there"


@dataclass(frozen=True, slots=True)
class JarUse:
    """A jar that outputs or computes need."""

    coordinates: str
    uses: tuple[str, ...]
    """What needs it, for people."""
    kind: str = JDBC
    """Name of the folder that it is put into."""
    error: DvtError | None = None
    """Why nobody can say which version is needed."""


class Source(Protocol):
    """Where jars come from."""

    def get(self, jar: JarUse, folder: Path) -> None:
        """Put a jar, and those that it requires, into a folder; JarUnavailable if it cannot."""


class Maven:
    """Takes jars from the repositories, and by the mirrors, of Maven's own configuration."""

    def get(self, jar: JarUse, folder: Path) -> None:
        """See Source."""
        coordinates = jar.coordinates
        program = shutil.which("mvn")
        if program is None:
            raise JarUnavailable(coordinates, "there is no mvn on the PATH", _MAVEN)
        with tempfile.TemporaryDirectory() as project:
            pom = Path(project) / "pom.xml"
            pom.write_text(_POM.format(_dependency(coordinates)))
            options = ["-q", "-B", "-C", f"-f{pom}", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
            command = [program, *options, "dependency:copy-dependencies"]
            try:
                done = subprocess.run(  # noqa: S603  Maven, with a file of ours
                    command, capture_output=True, text=True, check=False, timeout=_SECONDS
                )
            except subprocess.TimeoutExpired:
                raise JarUnavailable(
                    coordinates, f"Maven took more than {_SECONDS} s", "run it again"
                ) from None
        if done.returncode or not any(folder.glob("*.jar")):
            hint = "is it in the repository that Maven is configured for (settings.xml)?"
            raise JarUnavailable(coordinates, _said(done.stdout + done.stderr), hint)


@dataclass(frozen=True, slots=True)
class Folder:
    """Takes jars from a folder that `--download` has filled, or from those that are installed."""

    path: Path
    """The folder with a folder for each kind."""

    def get(self, jar: JarUse, folder: Path) -> None:
        """See Source."""
        found = installed_jars(jar.coordinates, self.path / jar.kind)
        if not found:
            hint = "fill the folder by `dvt sync --download` with the same profiles.yml"
            raise JarUnavailable(jar.coordinates, f"it is not in {self.path / jar.kind}", hint)
        for file in found:
            shutil.copyfile(file, folder / file.name)


@dataclass(frozen=True, slots=True)
class Installed:
    """Takes jars from those that are installed, and from another source if they are not."""

    home: Path
    other: Source

    def get(self, jar: JarUse, folder: Path) -> None:
        """See Source."""
        is_there = bool(installed_jars(jar.coordinates, self.home / jar.kind))
        (Folder(self.home) if is_there else self.other).get(jar, folder)


@dataclass(frozen=True, slots=True)
class JarSync:
    """Brings the jars of a user, or of a folder, to what outputs and computes need."""

    jars: Sequence[JarUse]
    lock_file: Path
    source: Source
    home: Path
    """The folder with a folder for each kind."""
    left_out: frozenset[str] = frozenset()
    """Coordinates of jars that are needed, and that nobody asked for now: the lock keeps them."""
    dry_run: bool = False
    downloads: bool = False
    """Whether `home` is the folder of --download."""

    def sync(self) -> tuple[tuple[Item, ...], bool]:
        """Install what is missing; return an item for each jar, and whether the lock was written."""
        lock = read_lock(self.lock_file)
        locked = {(jar.driver, jar.file): jar.hash for jar in lock.jars}
        items: list[Item] = []
        found = [jar for jar in lock.jars if jar.driver in self.left_out]
        for jar in self.jars:
            try:
                item, hashes = self._one(jar, locked)
            except DvtError as error:
                item = Item(outcome=Outcome.FAILED, package=jar.coordinates, uses=jar.uses, error=error)
                hashes = {file: hash_ for (name, file), hash_ in locked.items() if name == jar.coordinates}
            items.append(item)
            found += [LockedJar(jar.coordinates, file, hash_) for file, hash_ in hashes.items()]
        new = replace(lock, jars=tuple(sorted(found)))
        is_new = not self.dry_run and not self.downloads and new.jars != tuple(sorted(lock.jars))
        if is_new:
            write_lock(self.lock_file, new)
        return tuple(items), is_new

    def _one(self, jar: JarUse, locked: Mapping[tuple[str, str], str]) -> tuple[Item, Mapping[str, str]]:
        """Install one jar if it is not there; return its item, and the hashes of its files."""
        if jar.error is not None and self.dry_run:
            return Item(
                outcome=Outcome.MISSING, package=jar.coordinates, uses=jar.uses, reason=jar.error.message
            ), {}
        if jar.error is not None:
            raise jar.error
        coordinates, home = jar.coordinates, self.home / jar.kind
        present = installed_jars(coordinates, home)
        if not present and self.dry_run:
            item = Item(outcome=Outcome.MISSING, package=coordinates, uses=jar.uses, reason="not installed")
            return item, {file: hash_ for (name, file), hash_ in locked.items() if name == coordinates}
        if not present:
            self._install(jar, home, locked)
        hashes = _hashes(installed_jars(coordinates, home))
        _check(coordinates, hashes, locked)
        outcome = Outcome.DOWNLOADED if self.downloads else Outcome.OK
        is_new = not present and not self.downloads
        return Item(outcome=outcome, package=coordinates, uses=jar.uses, is_new=is_new), hashes

    def _install(self, jar: JarUse, home: Path, locked: Mapping[tuple[str, str], str]) -> None:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=home) as new:
            folder = Path(new) / "jars"
            folder.mkdir()
            self.source.get(jar, folder)
            _check(jar.coordinates, _hashes(folder.glob("*.jar")), locked)
            folder.rename(jar_folder(jar.coordinates, home))


def jars_of(uses: Iterable[JarUse]) -> Iterator[JarUse]:
    """Yield the jars that are needed, each once, with all that needs it."""
    by_jar: dict[tuple[str, str], list[JarUse]] = {}
    for use in uses:
        by_jar.setdefault((use.kind, use.coordinates), []).append(use)
    for _, same in sorted(by_jar.items()):
        yield replace(same[0], uses=tuple(what for use in same for what in use.uses))


def _dependency(coordinates: str) -> str:
    """Return coordinates as an element of a POM."""
    parts = dict(zip(_PARTS, coordinates.split(":"), strict=False))
    alone = _ALONE if parts.get("classifier") == _SHADED else ""
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts.items()) + alone


def _hashes(files: Iterable[Path]) -> dict[str, str]:
    return {file.name: f"sha256:{_digest(file)}" for file in sorted(files)}


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _check(coordinates: str, hashes: Mapping[str, str], locked: Mapping[tuple[str, str], str]) -> None:
    """Raise JarUnavailable if a file is not the one of the lock, is not in it, or is missing."""
    expected = {file: hash_ for (driver, file), hash_ in locked.items() if driver == coordinates}
    for file in sorted({*hashes, *expected} if expected else ()):
        if hashes.get(file) != expected.get(file):
            raise JarUnavailable(coordinates, f"{file} is not as it was locked", _LOCKED)


def _said(text: str) -> str:
    """Return Maven's first lines of errors in one line, cut to 400 characters, without passwords."""
    errors = [line.removeprefix("[ERROR]").strip() for line in text.splitlines() if "ERROR" in line]
    return masked(" ".join(line for line in errors if line) or text.strip(), ())[:400]
