"""Runs uv or pip: finds versions and hashes, installs exactly these files, and checks what is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from packaging.utils import canonicalize_name

from dvt.core.errors import EnvironmentUnusable, LockInvalid
from dvt.core.masking import masked, secret_values
from dvt.environment.installed import Environment
from dvt.environment.lock import LockedPackage, packages_in, requirements_text

_GRACE = 5
"""Seconds that an installer gets after Ctrl-C to end what it is writing."""
_LONGEST = 900
"""Characters of an installer's text that are shown."""
_BOXES = re.compile(r"[×╰╭│├─▶·]+|\x1b\[[0-9;]*m")
"""Matches what installers draw."""
_INDEX = re.compile(r"index-url|no-index")
"""Matches settings of pip that say where packages come from."""
_WHY = re.compile(r"The conflict is caused by:.*?(?=To fix this|\Z)", re.DOTALL)
"""Matches what pip says of a conflict, elsewhere than where it says that there is one."""
_UV_INDEX = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_CONFIG_FILE",
    "UV_OFFLINE",
)
"""Variables that say where uv's packages come from."""


class InstallerFailed(Exception):
    """What an installer said when it failed, without passwords."""


class Installer(Protocol):
    """Installs packages into one environment."""

    @property
    def name(self) -> str:
        """`uv` or `pip`."""

    @property
    def hint(self) -> str:
        """What to do if a package is not where packages come from; empty: that is a registry."""

    def resolve(self, requirements: Iterable[str], constraints: Iterable[str]) -> tuple[LockedPackage, ...]:
        """Return all packages that requirements need, within the constraints; InstallerFailed if none fit."""

    def install(self, packages: Iterable[LockedPackage]) -> None:
        """Install exactly these files, and nothing that they require; InstallerFailed if that fails."""

    def conflicts(self) -> set[str]:
        """Return what does not go together of all that is installed, a sentence for each."""


class Uv:
    """Implements Installer by uv."""

    name = "uv"

    def __init__(self, program: str, environment: Environment, folder: Path | None = None) -> None:
        """`folder`: the only place that packages are taken from."""
        self._program = program
        self._source = _source(folder)
        self.hint = _hint(folder)
        self._python = ("--python", str(environment.python))

    def resolve(self, requirements: Iterable[str], constraints: Iterable[str]) -> tuple[LockedPackage, ...]:
        """See Installer."""
        options = ("--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url")
        with _Files(needs=requirements, constraints=constraints) as files:
            asked = (*self._source, "-c", files["constraints"], files["needs"])
            return _parsed(self._pip("compile", *options, "--no-emit-find-links", *asked))

    def install(self, packages: Iterable[LockedPackage]) -> None:
        """See Installer."""
        with _Files(locked=[requirements_text(packages)]) as files:
            self._pip("install", *self._source, "--no-deps", "--require-hashes", "-r", files["locked"])

    def conflicts(self) -> set[str]:
        """See Installer."""
        command = (self._program, "pip", "check", *self._python)
        done = _run(command)
        lines = (done.stdout + done.stderr).splitlines()
        return {_clean(line) for line in lines if line.startswith("The package")}

    def _pip(self, command: str, *options: str) -> str:
        return _succeeding((self._program, "pip", command, "--quiet", *self._python, *options))


class Pip:
    """Implements Installer by pip."""

    name = "pip"

    def __init__(self, environment: Environment, folder: Path | None = None) -> None:
        """`folder`: the only place that packages are taken from."""
        self._source = _source(folder)
        self.hint = _hint(folder)
        python = str(environment.python)
        if environment.version("pip"):
            self._command: tuple[str, ...] = (python, "-m", "pip")
        else:
            self._command = (sys.executable, "-m", "pip", "--python", python)

    def resolve(self, requirements: Iterable[str], constraints: Iterable[str]) -> tuple[LockedPackage, ...]:
        """See Installer."""
        with _Files(needs=requirements, constraints=constraints) as files:
            report = str(Path(files["needs"]).with_name("report.json"))
            asked = ("--dry-run", "--ignore-installed", "--report", report)
            self._pip("install", *self._source, *asked, "-c", files["constraints"], "-r", files["needs"])
            content = json.loads(Path(report).read_text(encoding="utf-8"))
        packages = [_reported(entry) for entry in content["install"]]
        return tuple(sorted(packages, key=lambda package: package.name))

    def install(self, packages: Iterable[LockedPackage]) -> None:
        """See Installer."""
        with _Files(locked=[requirements_text(packages)]) as files:
            self._pip("install", *self._source, "--no-deps", "--require-hashes", "-r", files["locked"])

    def conflicts(self) -> set[str]:
        """See Installer."""
        done = _run((*self._command, "check"))
        return {_clean(line) for line in done.stdout.splitlines() if done.returncode and line.strip()}

    def download(self, packages: Iterable[LockedPackage], folder: Path) -> None:
        """Put exactly these files into a folder; InstallerFailed if that fails."""
        with _Files(locked=[requirements_text(packages)]) as files:
            self._pip("download", "--no-deps", "--require-hashes", "-d", str(folder), "-r", files["locked"])

    def download_builders(self, requirements: Sequence[str], folder: Path) -> None:
        """Put what builds packages into a folder, and all that it requires; InstallerFailed if that fails."""
        if requirements:
            with _Files(needs=requirements) as files:
                self._pip("download", "-d", str(folder), "-r", files["needs"])

    def configured(self) -> bool:
        """Return whether the user's settings of pip say where packages come from."""
        return _INDEX.search(_run((*self._command, "config", "list")).stdout) is not None

    def _pip(self, command: str, *options: str) -> str:
        return _succeeding((*self._command, command, "--no-input", *options))


def find_installer(
    environment: Environment,
    asked: str | None,
    variables: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> Installer:
    """Return uv if it is there, otherwise pip; `asked` is the one to take. EnvironmentUnusable without both.

    pip is taken, too, if only pip has been told where packages come from: uv would look elsewhere. With a
    `folder`, packages come from there alone.
    """
    uv = _find_uv() if asked in {None, "uv"} else None
    has_pip = asked in {None, "pip"} and bool(environment.version("pip") or _has_pip_itself())
    is_told = folder is not None or _uv_is_configured(variables)
    if uv and (is_told or not has_pip or not Pip(environment).configured()):
        return Uv(uv, environment, folder)
    if has_pip:
        return Pip(environment, folder)
    missing = asked or "uv and pip"
    hint = "install uv, or pip: python -m ensurepip"
    raise EnvironmentUnusable(
        str(environment.python), f"there is no {missing} to install packages with", hint
    )


def find_downloader(environment: Environment) -> Pip:
    """Return pip, since uv puts no files into a folder; EnvironmentUnusable if it is not there."""
    if not environment.version("pip") and not _has_pip_itself():
        hint = "install pip beside dvt: python -m ensurepip"
        raise EnvironmentUnusable(str(environment.python), "there is no pip, which --download needs", hint)
    return Pip(environment)


def _source(folder: Path | None) -> tuple[str, ...]:
    return () if folder is None else ("--no-index", "--find-links", str(folder.absolute()))


def _hint(folder: Path | None) -> str:
    if folder is None:
        return ""
    return f"fill {folder} by `dvt sync --download`, with these files and the same Python, platform and dvt"


def _find_uv() -> str | None:
    beside = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
    return str(beside) if beside.is_file() else shutil.which("uv")


def _has_pip_itself() -> bool:
    from importlib.util import find_spec

    return find_spec("pip") is not None


def _uv_is_configured(variables: Mapping[str, str]) -> bool:
    folders = [Path.cwd(), *Path.cwd().parents, Path("/etc/uv")]
    folders.append(Path(variables.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "uv")
    return any(variables.get(name) for name in _UV_INDEX) or any(
        (folder / "uv.toml").is_file() for folder in folders
    )


class _Files:
    """Texts as files of a private folder while a `with` lasts."""

    def __init__(self, **contents: Iterable[str]) -> None:
        self._contents = contents
        self._folder = tempfile.TemporaryDirectory(prefix="dvt-sync-")

    def __enter__(self) -> dict[str, str]:
        folder = Path(self._folder.name)
        for name, lines in self._contents.items():
            (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return {name: str(folder / f"{name}.txt") for name in self._contents}

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def _succeeding(command: Sequence[str]) -> str:
    done = _run(command)
    if done.returncode:
        why = _WHY.search(done.stdout)
        raise InstallerFailed(_clean(f"{done.stderr} {why[0] if why else ''}"))
    return done.stdout


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program. On Ctrl-C it gets the signal, too, and time to end what it is writing."""
    variables = {**os.environ, "NO_COLOR": "1", "UV_NO_PROGRESS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    variables.pop("PYTHONPATH", None)  # what is there is not in the environment
    process = subprocess.Popen(  # noqa: S603 - no shell, and each value is one argument
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=variables,
    )
    try:
        printed, said = process.communicate()
    except KeyboardInterrupt:
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    return subprocess.CompletedProcess(command, process.returncode, printed, said)


def _clean(text: str) -> str:
    """Return an installer's text on one line, without passwords and without what it draws."""
    shown = masked(" ".join(_BOXES.sub(" ", text).split()), secret_values(os.environ))
    return shown if len(shown) <= _LONGEST else f"… {shown[-_LONGEST:]}"


def _parsed(text: str) -> tuple[LockedPackage, ...]:
    try:
        return packages_in(text, "uv's answer")
    except LockInvalid as error:
        # A package from a folder or a repository of code has no hash that could be put on record.
        raise InstallerFailed(error.message) from None


def _reported(entry: dict[str, dict[str, dict[str, dict[str, str]]]]) -> LockedPackage:
    """Return a package of pip's report."""
    metadata: dict[str, object] = dict(entry["metadata"])
    hashes = entry["download_info"].get("archive_info", {}).get("hashes", {})
    name, version = str(metadata["name"]), str(metadata["version"])
    if "sha256" not in hashes:
        msg = f"{name} {version} is no file of a registry, and has no SHA-256"
        raise InstallerFailed(msg)
    return LockedPackage(canonicalize_name(name), version, (f"sha256:{hashes['sha256']}",))
