"""Says which packages a profile's outputs, buckets, computes and seeds need, for `dvt sync`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvt.config.buckets import Buckets
    from dvt.config.computes import Compute
    from dvt.config.profiles import Profile
    from dvt.environment.installed import Environment
    from dvt.environment.needs import Use

_MINOR = 2
"""Parts of a version that names no patch, such as 4.1."""
_BY_PYARROW = (".orc", ".csv.zst")
"""Suffixes of seeds that PyArrow reads."""


def uses_of(name: str, of: str, folder: Path, project_dir: Path, environment: Environment) -> Iterator[Use]:
    """Yield what one profile needs; `of` is its name for people."""
    from dvt.config.buckets import load_buckets
    from dvt.config.profiles import load_profile

    profile = load_profile(folder, name)
    yield from _of_outputs(of, profile, environment)
    yield from _extensions(of, profile)
    buckets = load_buckets(name, folder, project_dir=project_dir)
    yield from _of_buckets(of, buckets)
    yield from _unmatched(of, profile, frozenset(buckets.entries[each].kind for each in buckets.written))
    yield from _of_computes(of, folder, name)


def uses_of_seeds(project_dir: Path) -> Iterator[Use]:
    """Yield the seeds of a project that PyArrow reads."""
    from dvt.config.yaml_lines import Document
    from dvt.core.errors import ProjectInvalid
    from dvt.environment.needs import Use

    content = Document.read(project_dir / "dbt_project.yml", ProjectInvalid).content
    folders = content.get("seed-paths") if isinstance(content, dict) else None
    for folder in folders if isinstance(folders, list) else ["seeds"]:
        for file in sorted((project_dir / str(folder)).rglob("*")):
            if file.name.lower().endswith(_BY_PYARROW):
                yield Use(f"seed {file.relative_to(project_dir)}", "dvt-engine[seeds]")


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
            if kind == "bigquery" and _value(settings, name, "reads") == "storage_api":
                yield Use(f"{what} (reads: storage_api)", "dvt-engine[bigquery-storage]")


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
            connects = compute.kind == "spark" and compute.keys.get("remote") is not None
            yield Use(what, extra_requirement("spark-connect" if connects else compute.kind))
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
        kind = kind_of(profile, name)
        reached = NATIVE.get(kind, frozenset())
        if reached and not reached & kinds:
            listed = " or ".join(sorted(reached))
            note = f"no bucket of type {listed} is in buckets.yml, through which it moves rows in bulk"
            yield Use(f"{of}output {name} ({kind})", note=note)


def _extensions(of: str, profile: Profile) -> Iterator[Use]:
    """Yield the extensions of DuckDB that outputs name: dbt-duckdb has DuckDB itself fetch them."""
    from dvt.environment.needs import Use

    for name in profile.names:
        for extension in _listed(profile, name, "extensions") if kind_of(profile, name) == "duckdb" else ():
            named = extension.get("name") if isinstance(extension, dict) else extension
            note = "DuckDB fetches it from its own repository when dbt-duckdb connects; no package does"
            yield Use(f"{of}output {name}: DuckDB's extension {named}", note=note)


def kind_of(profile: Profile, name: str) -> str:
    """Return the type of an output; empty if that is wrong, which another item says."""
    from dvt.core.errors import DvtError

    try:
        return profile.kind(name)
    except DvtError:
        return ""


def _listed(profile: Profile, name: str, key: str) -> list[Any]:
    """Return the values of a list in an output; none if they lack their variables."""
    values = _value(profile, name, key)
    return values if isinstance(values, list) else []


def _value(profile: Profile, name: str, key: str) -> Any:
    """Return the value of a key of an output; None if it lacks its variables."""
    from dvt.core.errors import DvtError

    try:
        return profile.value(name, key)
    except DvtError:
        return None
