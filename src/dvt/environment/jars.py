"""Installs the jars of JDBC drivers for this user: by Maven, from where it is configured to look.

Each driver gets a folder with its jars and those that it requires, whole or not at all. Their SHA-256 are in
sync.lock.
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

from dvt.core.errors import DvtError, JarUnavailable, JavaMissing
from dvt.core.masking import masked
from dvt.drivers.jdbc import jars
from dvt.drivers.jdbc.java import NEEDED, java, java_version
from dvt.environment.lock import LockedJar, read_lock, write_lock
from dvt.environment.report import Item, Outcome

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dvt</groupId><artifactId>dvt</artifactId><version>1</version>
  <dependencies><dependency>{}</dependency></dependencies>
</project>
"""
_PARTS = ("groupId", "artifactId", "version", "classifier")
_SECONDS = 900
"""Seconds after which Maven is given up."""
_MAVEN = "install Maven, such as the package maven, or fetch the jar by hand and name it by `jar`"
_LOCKED = "sync.lock has another SHA-256 for it: find out why, before you delete its lines there"


@dataclass(frozen=True, slots=True)
class DriverUse:
    """A driver that outputs need."""

    coordinates: str
    uses: tuple[str, ...]
    """What needs it, for people."""


class Source(Protocol):
    """Where jars come from."""

    def get(self, coordinates: str, folder: Path) -> None:
        """Put a driver's jars, and those that it requires, into a folder; JarUnavailable if it cannot."""


class Maven:
    """Takes jars from the repositories, and by the mirrors, of Maven's own configuration."""

    def get(self, coordinates: str, folder: Path) -> None:
        """See Source."""
        program = shutil.which("mvn")
        if program is None:
            raise JarUnavailable(coordinates, "there is no mvn on the PATH", _MAVEN)
        with tempfile.TemporaryDirectory() as project:
            pom = Path(project) / "pom.xml"
            parts = zip(_PARTS, coordinates.split(":"), strict=False)
            pom.write_text(_POM.format("".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts)))
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
    """Takes jars from a folder that `--download` has filled."""

    path: Path

    def get(self, coordinates: str, folder: Path) -> None:
        """See Source."""
        found = jars.driver_jars(coordinates, self.path)
        if not found:
            hint = "fill the folder by `dvt sync --download` with the same profiles.yml"
            raise JarUnavailable(coordinates, f"it is not in {self.path}", hint)
        for jar in found:
            shutil.copyfile(jar, folder / jar.name)


@dataclass(frozen=True, slots=True)
class Installed:
    """Takes jars from those that are installed, and from another source if they are not."""

    home: Path
    other: Source

    def get(self, coordinates: str, folder: Path) -> None:
        """See Source."""
        is_there = bool(jars.driver_jars(coordinates, self.home))
        (Folder(self.home) if is_there else self.other).get(coordinates, folder)


@dataclass(frozen=True, slots=True)
class JarSync:
    """Brings the drivers of a user, or of a folder, to what outputs need."""

    drivers: Sequence[DriverUse]
    lock_file: Path
    source: Source
    home: Path
    """The folder with a folder for each driver."""
    dry_run: bool = False
    downloads: bool = False
    """Whether `home` is the folder of --download."""

    def sync(self) -> tuple[tuple[Item, ...], bool]:
        """Install what is missing; return an item for each driver, and whether the lock was written."""
        lock = read_lock(self.lock_file)
        locked = {(jar.driver, jar.file): jar.hash for jar in lock.jars}
        items: list[Item] = []
        found: list[LockedJar] = []
        for driver in self.drivers:
            try:
                item, hashes = self._one(driver, locked)
            except DvtError as error:
                item = Item(outcome=Outcome.FAILED, package=driver.coordinates, uses=driver.uses, error=error)
                hashes = {file: hash_ for (name, file), hash_ in locked.items() if name == driver.coordinates}
            items.append(item)
            found += [LockedJar(driver.coordinates, file, hash_) for file, hash_ in hashes.items()]
        new = replace(lock, jars=tuple(sorted(found)))
        is_new = not self.dry_run and not self.downloads and new.jars != tuple(sorted(lock.jars))
        if is_new:
            write_lock(self.lock_file, new)
        return tuple(items), is_new

    def _one(
        self, driver: DriverUse, locked: Mapping[tuple[str, str], str]
    ) -> tuple[Item, Mapping[str, str]]:
        """Install one driver if it is not there; return its item, and the hashes of its files."""
        coordinates = driver.coordinates
        present = jars.driver_jars(coordinates, self.home)
        if not present and self.dry_run:
            item = Item(
                outcome=Outcome.MISSING, package=coordinates, uses=driver.uses, reason="not installed"
            )
            return item, {file: hash_ for (name, file), hash_ in locked.items() if name == coordinates}
        if not present:
            self._install(coordinates, locked)
        hashes = _hashes(jars.driver_jars(coordinates, self.home))
        _check(coordinates, hashes, locked)
        outcome = Outcome.DOWNLOADED if self.downloads else Outcome.OK
        is_new = not present and not self.downloads
        return Item(outcome=outcome, package=coordinates, uses=driver.uses, is_new=is_new), hashes

    def _install(self, coordinates: str, locked: Mapping[tuple[str, str], str]) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=self.home) as new:
            folder = Path(new) / "jars"
            folder.mkdir()
            self.source.get(coordinates, folder)
            _check(coordinates, _hashes(folder.glob("*.jar")), locked)
            folder.rename(jars.driver_folder(coordinates, self.home))


def drivers_of(uses: Iterable[tuple[str, Sequence[str]]]) -> Iterator[DriverUse]:
    """Yield the drivers that outputs need, each once; `uses` are outputs, for people, and coordinates."""
    by_driver: dict[str, list[str]] = {}
    for what, coordinates in uses:
        for driver in coordinates:
            by_driver.setdefault(driver, []).append(what)
    for driver in sorted(by_driver):
        yield DriverUse(driver, tuple(by_driver[driver]))


def _hashes(files: Iterable[Path]) -> dict[str, str]:
    return {file.name: f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in sorted(files)}


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


def java_item(uses: Sequence[str]) -> Item:
    """Return an item for Java, which what is read over JDBC needs."""
    package = f"Java {NEEDED}"
    program = java()
    version = None if program is None else java_version(program)
    if program is None or version is None or version < NEEDED:
        problem = "there is none on the PATH, and JAVA_HOME names none"
        error = JavaMissing(uses[0], f"{program} is older" if program else problem, NEEDED)
        return Item(outcome=Outcome.FAILED, package=package, uses=tuple(uses), error=error)
    return Item(outcome=Outcome.OK, package=package, uses=tuple(uses), version=str(version))
