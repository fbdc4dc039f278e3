"""Finds versions for what is needed that go with what dvt and dbt-core require, which stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dvt.core.errors import DvtError, PackageClash, PackageUnavailable
from dvt.environment.installed import Environment
from dvt.environment.installers import Installer, InstallerFailed
from dvt.environment.lock import LockedPackage
from dvt.environment.needs import OWN, Need

_UNREACHABLE = re.compile(
    r"request failed|failed to fetch|error sending request|connection (?:refused|broken|error|timed)"
    r"|newconnectionerror|could not connect|timed out|name resolution|dns error"
    r"|network is (?:unreachable|disabled)",
    re.IGNORECASE,
)
"""Matches what installers say when they do not reach their registry."""
_ROOTS = ("dbt-core", OWN)
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_]*[A-Za-z0-9])")


@dataclass(frozen=True, slots=True)
class Resolved:
    """The packages for all needs that can be met, and the errors of the others."""

    packages: tuple[LockedPackage, ...] = ()
    errors: Mapping[str, DvtError] = field(default_factory=dict)
    """Text of a requirement → why it cannot be met."""


@dataclass(frozen=True, slots=True)
class Pins:
    """The versions of all that dvt and dbt-core require, directly or through others."""

    versions: Mapping[str, str]
    """By name."""
    firm: frozenset[str]
    """Names of what they require themselves, and of dbt's own packages: these stay in any case."""
    bounds: tuple[str, ...]
    """Constraints that installed packages put on the others, in which those may move."""

    def attempts(self) -> Iterator[list[str]]:
        """Yield constraints, each for when nothing fits those before: all versions stay, or most."""
        yield [f"{name}=={version}" for name, version in self.versions.items()]
        firm = [f"{name}=={version}" for name, version in self.versions.items() if name in self.firm]
        if len(firm) < len(self.versions):
            yield [*firm, *self.bounds]


def pins_of(environment: Environment, own: Environment) -> Pins:
    """Return what stays of all that dvt and dbt-core require.

    The versions are those of the environment, or those that dvt runs on, if it is not installed there.
    """
    place = environment if environment.version(OWN) else own
    versions = place.required(Requirement(OWN))
    for name in _ROOTS:  # dbt-core may be there without dvt
        versions |= environment.required(Requirement(name))
    versions.pop(OWN, None)
    direct = {required.name for name in _ROOTS for required in place.requirements(name)}
    dbts = {name for name in versions if name.startswith("dbt-")}
    firm = frozenset(canonicalize_name(name) for name in direct | dbts)
    bounds = {
        f"{required.name}{required.specifier}"
        for name in versions
        for required in (environment if environment.version(name) else own).requirements(name)
        if required.specifier and canonicalize_name(required.name) not in firm
    }
    return Pins(versions, firm, tuple(sorted(bounds)))


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves needs: all at once, or, if that is impossible, as many of them as go together."""

    installer: Installer
    pins: Pins
    preferred: Mapping[str, LockedPackage]
    """Packages of the lock, which are taken if they fit."""

    def resolve(self, needs: Sequence[Need]) -> Resolved:
        """Return the packages of the needs, with hashes of the lock where it has the version."""
        try:
            return Resolved(self._packages(needs))
        except InstallerFailed as failure:
            if len(needs) == 1 or _UNREACHABLE.search(str(failure)):
                return Resolved(errors={str(need.requirement): self._error(need, failure) for need in needs})
        return self._one_by_one(needs)

    def _one_by_one(self, needs: Iterable[Need]) -> Resolved:
        met: list[Need] = []
        found = Resolved()
        errors: dict[str, DvtError] = {}
        for need in needs:
            try:
                found = Resolved(self._packages([*met, need]))
                met.append(need)
            except InstallerFailed as failure:
                errors[str(need.requirement)] = self._error(need, failure)
        return Resolved(found.packages, errors)

    def _packages(self, needs: Sequence[Need]) -> tuple[LockedPackage, ...]:
        requirements = [str(need.requirement) for need in needs]
        locked = [
            f"{name}=={package.version}"
            for name, package in self.preferred.items()
            if name not in self.pins.versions
        ]
        attempts = [
            [*pinned, *preferred]
            for pinned in self.pins.attempts()
            for preferred in ([locked, []] if locked else [[]])
        ]
        for constraints in attempts[:-1]:
            try:
                return self._resolved(requirements, constraints)
            except InstallerFailed as failure:
                if _UNREACHABLE.search(str(failure)):
                    raise
        return self._resolved(requirements, attempts[-1])

    def _resolved(self, requirements: Sequence[str], constraints: Sequence[str]) -> tuple[LockedPackage, ...]:
        return tuple(map(self._as_locked, self.installer.resolve(requirements, constraints)))

    def _as_locked(self, package: LockedPackage) -> LockedPackage:
        """Return the package with the lock's hashes, so that another file of its version is refused."""
        before = self.preferred.get(package.name)
        if before is None or before.version != package.version or not before.hashes:
            return package
        return replace(package, hashes=before.hashes)

    def _error(self, need: Need, failure: InstallerFailed) -> DvtError:
        text = str(failure)
        if _UNREACHABLE.search(text):
            hint = "the registry that it is configured for cannot be reached from here"
            return PackageUnavailable(str(need.requirement), self.installer.name, text, hint)
        named = {(canonicalize_name(name), version) for name, version in _PINNED.findall(text)}
        own = {(need.name, self.pins.versions.get(need.name, ""))}
        pinned = sorted(named & set(self.pins.versions.items()) - own)
        if pinned:
            pins = ", ".join(f"{name} {version}" for name, version in pinned)
            return PackageClash(str(need.requirement), pins, text)
        return PackageUnavailable(str(need.requirement), self.installer.name, text, self.installer.hint)
