"""computes.yml: the engines a profile's federated models can run on.

```yaml
shop:                       # a profile
  target: local             # the compute in use
  computes:
    local: {type: duckdb, memory_limit: 8GB, threads: 4, temp_directory: /fast/disk}
```
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from dvt.config.yaml_lines import Document
from dvt.core.errors import ComputesInvalid, UnknownCompute

FILE = "computes.yml"
EMBEDDED = "duckdb"
"""The compute that is always there, also without a file."""

MemorySize = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^(?i:\d+(\.\d+)?\s*([kmgt]i?)?b)$")
]


class Strict(BaseModel):
    """dvt owns this file, so a key we do not know is a typo."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, strict=True)


class DuckDBCompute(Strict):
    """DuckDB inside dvt's own process."""

    type: Literal["duckdb"] = "duckdb"
    memory_limit: MemorySize | None = None
    """E.g. `8GB`; half of the machine's or container's memory when left out."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """As many as there are cores when left out."""
    temp_directory: Annotated[str, AfterValidator(os.path.expanduser)] | None = None
    """Where it spills; the run's own staging folder when left out. Relative to the file's folder."""


class SparkExtraction(Strict):
    """How Spark reads over JDBC."""

    num_partitions: int = Field(default=8, ge=1)
    fetch_size: int = Field(default=10_000, ge=1)


class SparkLoad(Strict):
    """How Spark writes over JDBC."""

    num_partitions: int = Field(default=4, ge=1)
    batch_size: int = Field(default=10_000, ge=1)


class SparkCompute(Strict):
    """A Spark of the user's own."""

    type: Literal["spark"]
    master: str = "local[*]"
    version: str | float | None = None
    config: dict[str, str | int | float | bool] = {}
    jdbc_extraction: SparkExtraction = SparkExtraction()
    jdbc_load: SparkLoad = SparkLoad()


Compute = Annotated[DuckDBCompute | SparkCompute, Field(discriminator="type")]


class ProfileComputes(Strict):
    """One profile's section."""

    target: str | None = None
    """The compute in use; may be left out when there is only one."""
    computes: dict[str, Compute] = {}


class _File(Strict):
    profiles: dict[str, ProfileComputes]


@dataclass(frozen=True, slots=True)
class Computes:
    """The computes of the profile in use."""

    entries: Mapping[str, DuckDBCompute | SparkCompute]
    default: str
    file: str | None = None

    def named(self, name: str | None) -> tuple[str, DuckDBCompute | SparkCompute]:
        """A compute and its name, the default one for None; UnknownCompute lists those there are."""
        chosen = name or self.default
        if chosen not in self.entries:
            raise UnknownCompute(chosen, self.entries, self.file)
        return chosen, self.entries[chosen]


def load_computes(profile: str, profiles_dir: Path, *, home: Path | None = None) -> Computes:
    """The profile's computes: from beside its profiles.yml, then `~/.dvt`, else the embedded one alone."""
    for folder in (profiles_dir, (home or Path.home()) / ".dvt"):
        file = folder / FILE
        if file.is_file():
            return _read(file, profile)
    return Computes({EMBEDDED: DuckDBCompute()}, EMBEDDED)


def _read(file: Path, profile: str) -> Computes:
    try:
        document = Document(str(file), file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ComputesInvalid(str(file), None, "this file cannot be read") from error
    section = _validated(document).profiles.get(profile, ProfileComputes())
    written = {name: _placed(one, file.parent) for name, one in section.computes.items()}
    entries = {EMBEDDED: DuckDBCompute()} | written
    default = section.target or (next(iter(written)) if len(written) == 1 else EMBEDDED)
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
        first = error.errors(include_url=False, include_input=False)[0]
        path = _without_tags(first["loc"][1:], document.content)
        at = ".".join(str(part) for part in path) or "the file"
        problem = f"{at}: {_sentence(first['type'], first['msg'])}"
        raise ComputesInvalid(document.file, document.line(path), problem) from error


def _without_tags(loc: tuple[str | int, ...], content: Any) -> tuple[str | int, ...]:
    """Pydantic's path to a value, without the names of union members it passes through."""
    path: list[str | int] = []
    for index, part in enumerate(loc):
        if isinstance(content, dict) and part in content:
            content = content[part]
            path.append(part)
        elif index == len(loc) - 1 and isinstance(content, dict) and part not in {"duckdb", "spark"}:
            path.append(part)
    return tuple(path)


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "no such key here"
    if kind.startswith("union_tag"):
        return "its type should be duckdb or spark"
    if kind == "string_pattern_mismatch":
        return "should be a size such as 8GB or 512MiB"
    return message[:1].lower() + message[1:]


def _placed(compute: DuckDBCompute | SparkCompute, folder: Path) -> DuckDBCompute | SparkCompute:
    if isinstance(compute, DuckDBCompute) and compute.temp_directory:
        return compute.model_copy(update={"temp_directory": str(folder / compute.temp_directory)})
    return compute
