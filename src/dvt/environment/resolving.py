"""Finds versions for what is needed that go with what dvt and dbt-core require, which stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
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
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_]*[A-Za-z0-9])")


@dataclass(frozen=True, slots=True)
class Resolved:
    """The packages for all needs that can be met, and the errors of the others."""

    packages: tuple[LockedPackage, ...] = ()
    errors: Mapping[str, DvtError] = field(default_factory=dict)
    """Text of a requirement → why it cannot be met."""


def pins_of(environment: Environment, own: Environment) -> dict[str, str]:
    """Return the versions, by name, of all that dvt and dbt-core require.

    They are those of the environment, or those that dvt runs on, if it is not installed there.
    """
    place = environment if environment.version(OWN) else own
    pins = place.required(Requirement(OWN))
    for name in ("dbt-core", OWN):  # dbt-core may be there without dvt
        pins |= environment.required(Requirement(name))
    pins.pop(OWN, None)
    return pins


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves needs: all at once, or, if that is impossible, as many of them as go together."""

    installer: Installer
    pins: Mapping[str, str]
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
        pins = [f"{name}=={version}" for name, version in self.pins.items()]
        locked = [f"{name}=={one.version}" for name, one in self.preferred.items() if name not in self.pins]
        try:
            packages = self.installer.resolve(requirements, [*pins, *locked])
        except InstallerFailed as failure:
            if not locked or _UNREACHABLE.search(str(failure)):
                raise
            packages = self.installer.resolve(requirements, pins)
        return tuple(map(self._as_locked, packages))

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
        pinned = sorted(named & set(self.pins.items()) - {(need.name, self.pins.get(need.name, ""))})
        if pinned:
            pins = ", ".join(f"{name} {version}" for name, version in pinned)
            return PackageClash(str(need.requirement), pins, text)
        return PackageUnavailable(str(need.requirement), self.installer.name, text)
