"""computes.yml: the engines that a profile's federated models can run on.

```yaml
shop:                       # a profile
  target: local             # the compute in use
  computes:
    local: {type: duckdb, memory_limit: 8GB, threads: 4, temp_directory: /fast/disk}
```

An entry's `type` names its engine; the other keys are for the engine's own settings model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from dvt.config.problems import Strict, collect, problems_of
from dvt.config.yaml_lines import Document
from dvt.core.error_list import ErrorList
from dvt.core.errors import ComputesInvalid, EngineMissing, UnknownCompute
from dvt.core.places import AUTO, RESERVED
from dvt.core.registry import Registry

if TYPE_CHECKING:
    from dvt.core.ports.engines import Engine, EngineSettings

ENGINES = Registry(
    "dvt.engines",
    {"duckdb": "dvt.engines.duckdb:DuckDBEngine", "spark": "dvt.engines.spark:SparkEngine"},
)
"""`type` of an entry → class of the engine, imported when an entry names it. It is defined here since reading
the file needs the engines' settings models."""

FILE = "computes.yml"
"""Name of the file."""
EMBEDDED = "duckdb"
"""The name, and the type, of the compute that always exists, even without a file."""


class ProfileComputes(Strict):
    """The section of a profile."""

    target: str | None = None
    """The default place: `auto`, `target`, `source`, or an entry; `auto` when left out."""
    computes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """The engines, by name."""


@dataclass(frozen=True, slots=True)
class Compute:
    """An entry: a type of engine, and the keys of its settings."""

    name: str
    kind: str
    """The entry's `type`."""
    keys: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    """The file's folder, to which paths in `keys` are relative."""

    @property
    def engine(self) -> type[Engine]:
        """The engine's class; EngineMissing if this version of dvt has none for the type."""
        if self.kind not in ENGINES:
            raise EngineMissing(self.name, self.kind, ENGINES)
        engine: type[Engine] = ENGINES.load(self.kind)
        return engine

    @property
    def settings(self) -> EngineSettings:
        """The keys as the engine's settings model; ValidationError for an unknown key."""
        context = {"folder": self.folder} if self.folder else None
        return self.engine.settings.model_validate(self.keys, context=context)


@dataclass(frozen=True, slots=True)
class Computes:
    """The computes of the profile in use."""

    entries: Mapping[str, Compute]
    default: str
    """Where models are computed that do not say it: a word of `RESERVED`, or an entry."""
    engine: str
    """The entry that computes for a word of `RESERVED`."""
    file: str | None = None

    def get(self, name: str | None) -> Compute:
        """Return the entry that a value of `compute` names, or the one that computes for it.

        None is the default; UnknownCompute if there is no such entry.
        """
        key = name or self.default
        key = self.engine if key in RESERVED else key
        if key not in self.entries:
            raise UnknownCompute(key, self.entries, self.file)
        return self.entries[key]


def load_computes(profile: str, profiles_dir: Path, *, home: Path | None = None) -> Computes:
    """Load a profile's computes from computes.yml in `profiles_dir`, else in `~/.dvt`.

    Without such a file there is only the embedded compute.
    """
    for folder in (profiles_dir, (home or Path.home()) / ".dvt"):
        file = folder / FILE
        if file.is_file():
            return _read(file, profile)
    return Computes({EMBEDDED: Compute(EMBEDDED, EMBEDDED)}, AUTO, EMBEDDED)


def _read(file: Path, profile: str) -> Computes:
    """Return the profile's computes; raise all errors in the file at once."""
    document = Document.read(file, ComputesInvalid)
    errors = ErrorList()
    for unset in document.unset_in(()):
        errors.add(unset)
    errors.raise_all()
    profiles = _validated(document, errors)
    by_profile = {
        name: _computes(document, name, section, file.parent, errors) for name, section in profiles.items()
    }
    errors.raise_all()
    section = profiles.get(profile, ProfileComputes())
    in_file = by_profile.get(profile, {})
    entries = {EMBEDDED: Compute(EMBEDDED, EMBEDDED)} | in_file
    default = section.target or AUTO
    if default not in entries and default not in RESERVED:
        line = document.line((profile, "target"))
        names = ", ".join(sorted(entries))
        problem = f"target {default!r} of profile {profile!r} is none of its computes: {names}"
        raise ComputesInvalid(str(file), line, problem)
    only = next(iter(in_file)) if len(in_file) == 1 else EMBEDDED
    return Computes(entries, default, default if default in entries else only, str(file))


def _validated(document: Document, errors: ErrorList) -> Mapping[str, ProfileComputes]:
    """Return the sections that are right; collect the errors of the others."""
    content = document.content or {}
    if not isinstance(content, dict):
        content = {FILE: content}  # it is no section, and so an error
    sections = {}
    for name, section in content.items():
        try:
            sections[name] = ProfileComputes.model_validate(section)
        except ValidationError as error:
            collect(document, problems_of(error), (name,), errors, ProfileComputes.model_fields)
    return sections


def _computes(
    document: Document, profile: str, section: ProfileComputes, folder: Path, errors: ErrorList
) -> dict[str, Compute]:
    """Return a profile's entries; collect what the settings models of their engines say of them."""
    computes = {}
    for name, keys in section.computes.items():
        path = (profile, "computes", name)
        try:
            with errors.collecting():
                computes[name] = compute = _compute(document, path, keys, folder)
                _ = compute.settings
        except ValidationError as error:
            collect(document, problems_of(error), path, errors)
    return computes


def _compute(
    document: Document, path: tuple[str, str, str], keys: Mapping[str, Any], folder: Path
) -> Compute:
    if path[-1] in RESERVED:
        problem = f"{'.'.join(path)}: {path[-1]} names a place of computing; give the entry another name"
        raise document.error(path, problem)
    kind = keys.get("type")
    kinds = sorted(ENGINES)
    if kind not in kinds:
        *first, last = kinds
        problem = f"{'.'.join(path)}: its type should be {', '.join(first)} or {last}"
        raise document.error(path, problem)
    settings = {key: value for key, value in keys.items() if key != "type"}
    return Compute(path[-1], str(kind), settings, folder)
