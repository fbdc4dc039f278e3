"""Wires `dvt sync`: reads what the files of a profile name, and installs the packages for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvt.config.buckets import Buckets
    from dvt.config.computes import Compute
    from dvt.config.profiles import Profile
    from dvt.core.housekeeping import ProjectPlace
    from dvt.environment.installed import Environment
    from dvt.environment.needs import Use
    from dvt.environment.report import SyncReport

_MINOR = 2
"""Parts of a version that names no patch, such as 4.1."""


_OVER_JDBC = {"jdbc": "", "trino": "jdbc:trino:"}
"""Types of outputs that are read over JDBC → the beginning of their URLs, where they have no key for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """What `dvt sync` is asked to do."""

    project_dir: Path
    profiles_dir: Path | None = None
    profile: str | None = None
    """The only profile; None: the project's, or all where there is no project."""
    python_env: Path | None = None
    """Another environment than the one that dvt runs in."""
    installer: str | None = None
    """`uv` or `pip`; None: uv if it is there."""
    dry_run: bool = False
    download: Path | None = None
    """Folder for the files of what is needed; nothing is installed then."""
    offline: Path | None = None
    """The folder that files are taken from, instead of a registry."""
    jdbc: bool = True
    """Whether drivers of JDBC are installed, too."""


def sync(request: SyncRequest) -> SyncReport:
    """Install what is missing for the profile's outputs, buckets and computes, and say what was done."""
    from dvt.app.lifecycle import place_of
    from dvt.config.profiles import profiles_dir
    from dvt.core.errors import ProjectInvalid
    from dvt.environment.downloading import download
    from dvt.environment.installed import environment_at, own_environment
    from dvt.environment.installers import find_installer
    from dvt.environment.lock import FILE
    from dvt.environment.syncing import Syncer

    place = place_of(request.project_dir, ProjectInvalid)
    folder = profiles_dir(request.project_dir, request.profiles_dir)

    def read() -> Environment:
        return own_environment() if request.python_env is None else environment_at(request.python_env)

    environment = read()
    uses = _uses(request, place, folder, environment)
    lock_file = (folder if place is None else place.project_dir) / FILE
    if request.download is not None:
        report = download(uses, lock_file, environment, request.download)
        return _with_drivers(request, report, _drivers(request, place, folder), lock_file)
    report = Syncer(
        uses=uses,
        lock_file=lock_file,
        dry_run=request.dry_run,
        read=read,
        find_installer=lambda environment: find_installer(
            environment, request.installer, folder=request.offline
        ),
    ).sync()
    return _with_drivers(request, report, _drivers(request, place, folder), lock_file)


def _profiles(request: SyncRequest, place: ProjectPlace | None, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each profile, and its name for people where there are several."""
    from dvt.config.profiles import profile_names

    if request.profile is not None:
        names: tuple[str, ...] = (request.profile,)
    else:
        names = profile_names(folder) if place is None else (place.profile,)
    with_name = len(names) > 1
    for name in names:
        yield name, f"{name}: " if with_name else ""


def _uses(
    request: SyncRequest, place: ProjectPlace | None, folder: Path, environment: Environment
) -> list[Use]:
    from dvt.config.buckets import load_buckets
    from dvt.config.profiles import load_profile

    uses: list[Use] = []
    for name, of in _profiles(request, place, folder):
        profile = load_profile(folder, name)
        uses += _of_outputs(of, profile, environment)
        uses += _extensions(of, profile)
        buckets = load_buckets(name, folder, project_dir=request.project_dir)
        uses += _of_buckets(of, buckets)
        uses += _unmatched(of, profile, frozenset(buckets.entries[each].kind for each in buckets.written))
        uses += _of_computes(of, folder, name)
    return uses


def _of_outputs(of: str, settings: Profile, environment: Environment) -> Iterator[Use]:
    from dvt.core.errors import DvtError
    from dvt.environment.needs import Use

    for name in settings.names:
        what = f"{of}output {name}"
        try:
            kind = settings.kind(name)
            requirement = _requirement(name, str(settings.file), kind, environment)
        except DvtError as error:
            yield Use(what, error=error)
        else:
            yield Use(f"{what} ({kind})", requirement)


def _drivers(
    request: SyncRequest, place: ProjectPlace | None, folder: Path
) -> list[tuple[str, tuple[str, ...]]]:
    """Return outputs that are read over JDBC, each with coordinates of drivers; none if it names a jar."""
    from dvt.config.profiles import load_profile

    found: list[tuple[str, tuple[str, ...]]] = []
    for name, of in _profiles(request, place, folder) if request.jdbc else ():
        profile = load_profile(folder, name)
        found.extend(
            (f"{of}output {output} ({profile.kind(output)})", _coordinates(profile, output))
            for output in profile.names
            if profile.kind(output) in _OVER_JDBC
        )
    return found


def _coordinates(profile: Profile, output: str) -> tuple[str, ...]:
    """Return the coordinates of an output's drivers; none if it names a jar."""
    # Only here: the package of the drivers imports DuckDB, which takes time.
    from dvt.drivers.jdbc.jars import drivers_of

    if profile.names_key(output, "jar") or profile.names_key(output, "jars"):
        return ()
    maven = profile.value(output, "maven") or ()
    named = (maven,) if isinstance(maven, str) else tuple(map(str, maven))
    url = _OVER_JDBC[profile.kind(output)] or profile.beginning(output, "url")
    return tuple(drivers_of(url, named))


def _with_drivers(
    request: SyncRequest,
    report: SyncReport,
    outputs: list[tuple[str, tuple[str, ...]]],
    lock_file: Path,
) -> SyncReport:
    """Install the drivers of outputs that are read over JDBC; return the report with them."""
    if not outputs:
        return report
    from dataclasses import replace

    from dvt.drivers.jdbc.jars import drivers_home
    from dvt.environment.jars import Folder, Installed, JarSync, Maven, drivers_of, java_item

    home = drivers_home()
    items, is_new = JarSync(
        drivers=tuple(drivers_of(outputs)),
        lock_file=lock_file,
        source=(
            Installed(home, Maven())
            if request.download is not None
            else Maven()
            if request.offline is None
            else Folder(request.offline / "jdbc")
        ),
        home=home if request.download is None else request.download / "jdbc",
        dry_run=request.dry_run,
        downloads=request.download is not None,
    ).sync()
    java = java_item([what for what, _ in outputs])
    report = replace(report, items=(*report.items, java, *items))
    return replace(report, lock=str(lock_file), lock_note="written, with jars") if is_new else report


def _requirement(output: str, file: str, kind: str, environment: Environment) -> str:
    """Return what an output needs; UnknownType for a type that may be misspelt: no package is guessed."""
    from dvt.core.errors import UnknownType
    from dvt.resolution.output_types import output_type, output_types

    row = output_type(kind)
    if not row.is_known and environment.version(f"dbt-{kind}") is None:
        raise UnknownType(output, file, kind, {known.name for known in output_types()})
    return row.requirement


def _of_buckets(of: str, buckets: Buckets) -> Iterator[Use]:
    from dvt.environment.needs import Use, extra_requirement

    for name in buckets.written:
        kind = buckets.entries[name].kind
        yield Use(f"{of}bucket {name} ({kind})", extra_requirement(kind))


def _of_computes(of: str, folder: Path, profile: str) -> Iterator[Use]:
    from dvt.config.computes import ENGINES, load_computes
    from dvt.environment.needs import Use, extra_requirement

    for name, compute in load_computes(profile, folder).entries.items():
        what = f"{of}compute {name} ({compute.kind})"
        if compute.kind in ENGINES:
            yield Use(what, extra_requirement(compute.kind))
            yield from _of_version(what, compute)
        else:
            yield Use(what, note=f"this version of dvt has no engine of type {compute.kind}")


def _of_version(what: str, compute: Compute) -> Iterator[Use]:
    """Yield the version of PySpark that a compute names: `4.1` is any of its patches."""
    from packaging.version import InvalidVersion, Version

    from dvt.core.errors import ComputesInvalid
    from dvt.environment.needs import Use

    written = compute.keys.get("version") if compute.kind == "spark" else None
    if written is None:
        return
    try:
        parts = len(Version(str(written)).release)
    except InvalidVersion:
        problem = f"version of compute {compute.name!r} is {written!r}, which is no version"
        yield Use(what, error=ComputesInvalid("computes.yml", None, problem))
        return
    yield Use(what, f"pyspark=={written}" + (".*" if parts <= _MINOR else ""))


def _unmatched(of: str, profile: Profile, kinds: frozenset[str]) -> Iterator[Use]:
    """Yield a warning for each warehouse that cannot reach a bucket of the profile."""
    from dvt.core.housekeeping import NATIVE
    from dvt.environment.needs import Use

    for name in profile.names:
        kind = _kind(profile, name)
        reached = NATIVE.get(kind, frozenset())
        if reached and not reached & kinds:
            listed = " or ".join(sorted(reached))
            note = f"no bucket of type {listed} is in buckets.yml, through which it moves rows in bulk"
            yield Use(f"{of}output {name} ({kind})", note=note)


def _extensions(of: str, profile: Profile) -> Iterator[Use]:
    """Yield the extensions of DuckDB that outputs name: dbt-duckdb has DuckDB itself fetch them."""
    from dvt.environment.needs import Use

    for name in profile.names:
        for extension in _listed(profile, name, "extensions") if _kind(profile, name) == "duckdb" else ():
            named = extension.get("name") if isinstance(extension, dict) else extension
            note = "DuckDB fetches it from its own repository when dbt-duckdb connects; no package does"
            yield Use(f"{of}output {name}: DuckDB's extension {named}", note=note)


def _kind(profile: Profile, name: str) -> str:
    """Return the type of an output; empty if that is wrong, which another item says."""
    from dvt.core.errors import DvtError

    try:
        return profile.kind(name)
    except DvtError:
        return ""


def _listed(profile: Profile, name: str, key: str) -> list[Any]:
    """Return the values of a list in an output; none if they lack their variables."""
    from dvt.core.errors import DvtError

    try:
        values = profile.value(name, key)
    except DvtError:
        return []
    return values if isinstance(values, list) else []
