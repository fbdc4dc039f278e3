"""Installs what is needed and not there: from the lock's versions and hashes, beside what dvt requires."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement

from dvt.core.errors import DvtError, PackageUnavailable
from dvt.environment.installed import Environment, own_environment
from dvt.environment.installers import Installer, InstallerFailed
from dvt.environment.lock import Lock, LockedPackage, read_lock, write_lock
from dvt.environment.needs import Need, Use, needs_of
from dvt.environment.report import Item, Outcome, SyncReport, without_packages
from dvt.environment.resolving import Pins, Resolver, pins_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Syncer:
    """Brings one environment to what the uses need."""

    uses: Sequence[Use]
    lock_file: Path
    dry_run: bool
    read: Callable[[], Environment]
    """Returns the environment as it is now."""
    find_installer: Callable[[Environment], Installer]
    """Returns what installs; it is asked only if something is to be installed."""

    def sync(self) -> SyncReport:
        """Install what is missing, bring the lock up to date, and say what was done."""
        environment = self.read()
        lock = read_lock(self.lock_file)
        pins = pins_of(environment, own_environment())
        needs = needs_of(self.uses, environment.version("duckdb") or pins.versions.get("duckdb"))
        wanted = tuple(str(need.requirement) for need in needs)
        missing = [need for need in needs if self._is_missing(need, environment, lock, pins)]
        if not missing:
            note = "as before" if lock.needs == wanted else "as before: nothing had to be installed"
            return self._report(environment, needs, lock_note=note, has_lock=self.lock_file.exists())
        return self._changed(environment, needs, missing, replace(lock, needs=wanted), pins)

    def _is_missing(self, need: Need, environment: Environment, lock: Lock, pins: Pins) -> bool:
        """Whether a package, or what it requires, is not there, or not at the lock's version."""
        if any(environment.problems(need.requirement)):
            return True
        locked = {name: package for name, package in lock.by_name.items() if name not in pins.versions}
        installed = environment.required(need.requirement)
        return any(name in locked and locked[name].version != now for name, now in installed.items())

    def _changed(
        self,
        environment: Environment,
        needs: Sequence[Need],
        missing: Sequence[Need],
        lock: Lock,
        pins: Pins,
    ) -> SyncReport:
        if not self.dry_run:
            environment.refuse_unwritable()
        installer = self.find_installer(environment)
        preferred = {**_present(environment, needs, missing), **lock.by_name}
        resolved = Resolver(installer, pins, preferred).resolve(needs)
        absent = {str(need.requirement) for need in missing}
        errors = {text: error for text, error in resolved.errors.items() if text in absent}
        new = [
            package for package in resolved.packages if environment.version(package.name) != package.version
        ]
        others = _others(new, needs, environment)  # before: what is replaced is gone afterwards
        conflicts: tuple[str, ...] = ()
        if new and not self.dry_run:
            conflicts, failure = self._install(installer, new)
            errors |= {text: _unavailable(text, installer, failure) for text in absent - {*errors} if failure}
        after = self.read()
        outcomes = _Outcomes(after, absent, errors, {p.name: p.version for p in new}, self.dry_run)
        note = "unchanged: --dry-run"
        if not self.dry_run:
            is_whole = not errors and not resolved.errors
            note = (
                self._write(lock, resolved.packages, pins) if is_whole else "unchanged, since an item failed"
            )
        return self._report(
            after,
            needs,
            outcomes,
            installer=installer.name,
            others=others,
            conflicts=conflicts,
            lock_note=note,
            has_lock=self.lock_file.exists() or note.startswith("not written"),
        )

    def _install(
        self, installer: Installer, packages: Sequence[LockedPackage]
    ) -> tuple[tuple[str, ...], InstallerFailed | None]:
        """Install packages; return what does not go together since then, and what failed."""
        before = installer.conflicts()
        try:
            installer.install(packages)
        except InstallerFailed as failure:
            return (), failure
        return tuple(sorted(installer.conflicts() - before)), None

    def _write(self, lock: Lock, packages: Sequence[LockedPackage], pins: Pins) -> str:
        """Write the lock; return what became of it."""
        kept = tuple(package for package in packages if package.name not in pins.versions)
        try:
            write_lock(self.lock_file, replace(lock, packages=kept))
        except OSError as error:
            return f"not written: {error.strerror}"
        return f"written, {len(kept)} packages"

    def _report(
        self,
        environment: Environment,
        needs: Sequence[Need],
        outcomes: _Outcomes | None = None,
        *,
        lock_note: str,
        has_lock: bool,
        installer: str = "",
        others: tuple[str, ...] = (),
        conflicts: tuple[str, ...] = (),
    ) -> SyncReport:
        outcomes = outcomes or _Outcomes(environment, set(), {}, {}, self.dry_run)
        return SyncReport(
            python=str(environment.python),
            installer=installer,
            items=(*map(outcomes.item, needs), *without_packages(self.uses)),
            others=others,
            conflicts=conflicts,
            lock=str(self.lock_file) if has_lock else "",
            lock_note=lock_note,
        )


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """What became of the needs."""

    environment: Environment
    absent: set[str]
    errors: Mapping[str, DvtError]
    new: Mapping[str, str]
    dry_run: bool

    def item(self, need: Need) -> Item:
        """Return the item of a need, as the environment is now."""
        text = str(need.requirement)
        error = self.errors.get(text)
        version = self.environment.version(need.name) or ""
        problem = next(self.environment.problems(need.requirement), "")
        if error is not None:
            return Item(outcome=Outcome.FAILED, package=text, uses=need.uses, error=error)
        if self.dry_run and text in self.absent:
            would = self.new.get(need.name, version)
            return Item(outcome=Outcome.MISSING, package=text, uses=need.uses, version=would, reason=problem)
        if problem:
            return Item(outcome=Outcome.FAILED, package=text, uses=need.uses, version=version, reason=problem)
        is_new = need.name in self.new
        return Item(outcome=Outcome.OK, package=text, uses=need.uses, version=version, is_new=is_new)


def _present(
    environment: Environment, needs: Sequence[Need], missing: Sequence[Need]
) -> dict[str, LockedPackage]:
    """Return what is installed for the needs that are met, so that the lock has these versions."""
    gone = {str(need.requirement) for need in missing}
    met: list[Requirement] = [need.requirement for need in needs if str(need.requirement) not in gone]
    versions = {name: version for need in met for name, version in environment.required(need).items()}
    return {name: LockedPackage(name, version, ()) for name, version in versions.items()}


def _others(new: Sequence[LockedPackage], needs: Sequence[Need], before: Environment) -> tuple[str, ...]:
    """Return what goes in beside the needs, each with the version that it replaces."""
    named = {need.name for need in needs}
    replaced = {package.name: before.version(package.name) for package in new}
    return tuple(
        f"{package.name} {package.version}"
        + (f" instead of {replaced[package.name]}" if replaced[package.name] else "")
        for package in new
        if package.name not in named
    )


def _unavailable(text: str, installer: Installer, failure: InstallerFailed | None) -> DvtError:
    said = str(failure)
    hint = installer.hint
    if "hash" in said.lower():
        hint = "sync.lock has another SHA-256 for it: find out why before you delete the lock"
    return PackageUnavailable(text, installer.name, said, hint)
