"""Says which packages outputs and buckets need: those of the extras of dvt's own package, or another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dvt.core.errors import DvtError

OWN = "dvt-engine"
"""dvt's own package, whose extras say what an output or a bucket of a type needs."""
_PER_DUCKDB = "duckdb-extension-"
"""How the names of packages begin that hold a file for one version of DuckDB, and load into no other."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a profile has that needs packages."""

    what: str
    """`output crm (sqlite)`, for people."""
    requirement: str = ""
    """What it needs, as pip takes it; empty: nothing."""
    error: DvtError | None = None
    """Why nobody can say what it needs."""
    note: str = ""
    """Why nothing is installed for it, if that is no matter of course."""


@dataclass(frozen=True, slots=True)
class Need:
    """A package that is needed."""

    requirement: Requirement
    uses: tuple[str, ...]
    """What needs it, for people."""

    @property
    def name(self) -> str:
        """The package's name, as it is compared."""
        return str(canonicalize_name(self.requirement.name))


def needs_of(uses: Iterable[Use], duckdb: str | None) -> list[Need]:
    """Return the packages that are needed, by name, each once; `duckdb` is the version of DuckDB in use."""
    by_text: dict[str, tuple[Requirement, list[str]]] = {}
    for use in uses:
        for requirement in _expanded(use.requirement) if use.requirement else ():
            bound = _bound(requirement, duckdb)
            by_text.setdefault(str(bound), (bound, []))[1].append(use.what)
    needs = [Need(requirement, tuple(what)) for requirement, what in by_text.values()]
    return sorted(needs, key=lambda need: (need.name, str(need.requirement)))


def extra_requirement(extra: str) -> str:
    """Return what a type of bucket needs: dvt's extra of its name; nothing if there is no such extra."""
    return f"{OWN}[{extra}]" if any(_of_extra(extra)) else ""


def _expanded(text: str) -> Iterator[Requirement]:
    """Yield what a requirement means: the packages of dvt's extras, so that dvt itself is never installed."""
    requirement = Requirement(text)
    if canonicalize_name(requirement.name) != OWN:
        yield requirement
        return
    for extra in sorted(requirement.extras):
        yield from _of_extra(extra)


def _of_extra(extra: str) -> Iterator[Requirement]:
    for text in requires(OWN) or ():
        requirement = Requirement(text)
        if requirement.marker is None or not requirement.marker.evaluate({"extra": extra}):
            continue
        if requirement.marker.evaluate({"extra": ""}):
            continue  # dvt requires it in any case
        requirement.marker = None
        yield from _expanded(str(requirement))


def _bound(requirement: Requirement, duckdb: str | None) -> Requirement:
    """Return the requirement at DuckDB's version if the package holds an extension of DuckDB."""
    if duckdb is None or not requirement.name.replace("_", "-").lower().startswith(_PER_DUCKDB):
        return requirement
    return Requirement(f"{requirement.name}=={duckdb}")
