"""Puts the files of all that is needed into a folder, for a machine that reaches no registry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dvt.core.errors import DvtError, PackageUnavailable
from dvt.environment.archives import archives_of, read_archive
from dvt.environment.installed import Environment, own_environment
from dvt.environment.installers import InstallerFailed, find_downloader
from dvt.environment.lock import read_lock
from dvt.environment.needs import Need, Use, needs_of
from dvt.environment.report import Item, Outcome, SyncReport, without_packages
from dvt.environment.resolving import Resolver, pins_of


def download(uses: Sequence[Use], lock_file: Path, environment: Environment, folder: Path) -> SyncReport:
    """Put the files of what the uses need, and of all that it requires, into a folder; install nothing.

    What dvt itself requires is among them: elsewhere, versions are found in the folder alone. So is what
    builds packages that came as source.
    """
    pins = pins_of(environment, own_environment())
    needs = needs_of(uses, environment.version("duckdb") or pins.versions.get("duckdb"))
    pip = find_downloader(environment)
    resolved = Resolver(pip, pins, read_lock(lock_file).by_name).resolve(needs)
    errors: dict[str, DvtError] = dict(resolved.errors)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if resolved.packages:
            pip.download(resolved.packages, folder)
            builders = {
                text
                for file in archives_of(resolved.packages, folder)
                for text in read_archive(file).requires
            }
            pip.download_builders(sorted(builders), folder)
    except (InstallerFailed, OSError) as failure:
        texts = [str(need.requirement) for need in needs]
        errors = {text: PackageUnavailable(text, pip.name, str(failure)) for text in texts} | errors
    versions = {package.name: package.version for package in resolved.packages}
    named = {need.name for need in needs}
    return SyncReport(
        python=str(environment.python),
        installer=pip.name,
        items=(*(_item(need, versions, errors) for need in needs), *without_packages(uses)),
        others=tuple(f"{name} {version}" for name, version in versions.items() if name not in named),
    )


def _item(need: Need, versions: dict[str, str], errors: dict[str, DvtError]) -> Item:
    text = str(need.requirement)
    if text in errors:
        return Item(outcome=Outcome.FAILED, package=text, uses=need.uses, error=errors[text])
    return Item(outcome=Outcome.DOWNLOADED, package=text, uses=need.uses, version=versions[need.name])
