"""computes.yml: the engines a profile's federated models can run on.

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

from pydantic import BaseModel, ConfigDict, ValidationError

from dvt.config.yaml_lines import Document
from dvt.core.errors import ComputesInvalid, EngineMissing, UnknownCompute
from dvt.core.registry import Registry

if TYPE_CHECKING:
    from dvt.core.ports.engines import Engine, EngineSettings

ENGINES = Registry("dvt.engines", {"duckdb": "dvt.engines.duckdb:DuckDBEngine"})
"""By the `type:` of an entry. It stands here because whoever reads the file asks an engine for its keys; an
engine is imported when an entry names it."""

FILE = "computes.yml"
EMBEDDED = "duckdb"
"""The compute that is always there, also without a file; its type has the same name."""
_PLANNED = ("spark",)
"""Types of which no version has an engine yet: such an entry is an error when a model needs it."""


class Strict(BaseModel):
    """dvt owns this file, so a key we do not know is a typo."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, strict=True)


class ProfileComputes(Strict):
    """One profile's section."""

    target: str | None = None
    """The compute in use; may be left out when there is only one."""
    computes: dict[str, dict[str, Any]] = {}


class _File(Strict):
    profiles: dict[str, ProfileComputes]


@dataclass(frozen=True, slots=True)
class Compute:
    """One entry: a type of engine, and the keys that its settings are made from."""

    name: str
    kind: str
    """Its `type`."""
    keys: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    """The file's: relative paths in `keys` start there."""

    @property
    def engine(self) -> type[Engine]:
        """The engine's class; EngineMissing where this version of dvt has none."""
        if self.kind not in ENGINES:
            raise EngineMissing(self.name, self.kind, ENGINES)
        engine: type[Engine] = ENGINES.load(self.kind)
        return engine

    @property
    def settings(self) -> EngineSettings:
        """The keys as the engine reads them; ValidationError for one that it does not know."""
        context = {"folder": self.folder} if self.folder else None
        return self.engine.settings.model_validate(self.keys, context=context)


@dataclass(frozen=True, slots=True)
class Computes:
    """The computes of the profile in use."""

    entries: Mapping[str, Compute]
    default: str
    file: str | None = None

    def named(self, name: str | None) -> Compute:
        """A compute, the default one for None; UnknownCompute lists those there are."""
        chosen = name or self.default
        if chosen not in self.entries:
            raise UnknownCompute(chosen, self.entries, self.file)
        return self.entries[chosen]


def load_computes(profile: str, profiles_dir: Path, *, home: Path | None = None) -> Computes:
    """The profile's computes: from beside its profiles.yml, then `~/.dvt`, else the embedded one alone."""
    for folder in (profiles_dir, (home or Path.home()) / ".dvt"):
        file = folder / FILE
        if file.is_file():
            return _read(file, profile)
    return Computes({EMBEDDED: Compute(EMBEDDED, EMBEDDED)}, EMBEDDED)


def _read(file: Path, profile: str) -> Computes:
    try:
        document = Document(str(file), file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ComputesInvalid(str(file), None, "this file cannot be read") from error
    profiles = _validated(document).profiles
    written = {name: _computes(document, name, section, file.parent) for name, section in profiles.items()}
    section = profiles.get(profile, ProfileComputes())
    own = written.get(profile, {})
    entries = {EMBEDDED: Compute(EMBEDDED, EMBEDDED)} | own
    default = section.target or (next(iter(own)) if len(own) == 1 else EMBEDDED)
    if default not in entries:
        line = document.line((profile, "target"))
        known = ", ".join(sorted(entries))
        problem = f"target {default!r} of profile {profile!r} is none of its computes: {known}"
        raise ComputesInvalid(str(file), line, problem)
    return Computes(entries, default, str(file))


def _validated(document: Document) -> _File:
    try:
        return _File.model_validate({"profiles": document.content or {}})
    except ValidationError as error:
        raise _invalid(document, error, skip=1) from error


def _computes(document: Document, profile: str, section: ProfileComputes, folder: Path) -> dict[str, Compute]:
    """A profile's entries, each checked by its engine's settings model."""
    computes = {}
    for name, keys in section.computes.items():
        at = (profile, "computes", name)
        computes[name] = compute = _compute(document, at, keys, folder)
        try:
            _ = compute.kind in _PLANNED or compute.settings
        except ValidationError as error:
            raise _invalid(document, error, at) from error
    return computes


def _compute(document: Document, at: tuple[str, str, str], keys: Mapping[str, Any], folder: Path) -> Compute:
    kind = keys.get("type")
    known = sorted({*_PLANNED, *ENGINES})
    if kind not in known:
        *first, last = known
        problem = f"{'.'.join(at)}: its type should be {', '.join(first)} or {last}"
        raise ComputesInvalid(document.file, document.line(at), problem)
    own = {key: value for key, value in keys.items() if key != "type"}
    return Compute(at[-1], str(kind), own, folder)


def _invalid(
    document: Document, error: ValidationError, at: tuple[str, ...] = (), *, skip: int = 0
) -> ComputesInvalid:
    """The first thing that a model complains of, with the line and the path of its key below `at`."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = _without_tags((*at, *first["loc"][skip:]), document.content)
    where = ".".join(str(part) for part in path) or "the file"
    return ComputesInvalid(
        document.file, document.line(path), f"{where}: {_sentence(first['type'], first['msg'])}"
    )


def _without_tags(loc: tuple[str | int, ...], content: Any) -> tuple[str | int, ...]:
    """Pydantic's path to a value, without the names of union members it passes through."""
    path: list[str | int] = []
    for index, part in enumerate(loc):
        if isinstance(content, dict) and part in content:
            content = content[part]
            path.append(part)
        elif index == len(loc) - 1 and isinstance(content, dict):
            path.append(part)
    return tuple(path)


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "no such key here"
    if kind == "string_pattern_mismatch":
        return "should be a size such as 8GB or 512MiB"
    return message[:1].lower() + message[1:]
