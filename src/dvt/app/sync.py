"""Wires `dvt sync`: reads what the files of a profile name, and installs the packages for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dvt.environment.request import SyncRequest

if TYPE_CHECKING:
    from dvt.core.housekeeping import ProjectPlace
    from dvt.environment.installed import Environment
    from dvt.environment.needs import Use
    from dvt.environment.report import SyncReport


__all__ = ["SyncRequest", "sync"]


def sync(request: SyncRequest) -> SyncReport:
    """Install what is missing for the profile and the project's seeds, and say what was done."""
    from dvt.app.lifecycle import place_of
    from dvt.app.sync_jars import with_jars
    from dvt.app.sync_packages import uses_of, uses_of_seeds
    from dvt.config.profiles import profiles_dir
    from dvt.core.errors import ProjectInvalid
    from dvt.environment.installed import environment_at, own_environment
    from dvt.environment.lock import FILE

    place = place_of(request.project_dir, ProjectInvalid)
    folder = profiles_dir(request.project_dir, request.profiles_dir)

    def read() -> Environment:
        return own_environment() if request.python_env is None else environment_at(request.python_env)

    environment = read()
    profiles = list(_profiles(request, place, folder))
    uses = [
        use for name, of in profiles for use in uses_of(name, of, folder, request.project_dir, environment)
    ]
    uses += [] if place is None else uses_of_seeds(place.project_dir)
    lock_file = (folder if place is None else place.project_dir) / FILE
    report = _packages(request, uses, lock_file, environment, read)
    return with_jars(
        request, report, profiles=profiles, folder=folder, environment=environment, lock_file=lock_file
    )


def _packages(
    request: SyncRequest,
    uses: list[Use],
    lock_file: Path,
    environment: Environment,
    read: Callable[[], Environment],
) -> SyncReport:
    """Install or download packages."""
    from dvt.environment.downloading import download
    from dvt.environment.installers import find_installer
    from dvt.environment.syncing import Syncer

    if request.download is not None:
        return download(uses, lock_file, environment, request.download)
    return Syncer(
        uses=uses,
        lock_file=lock_file,
        dry_run=request.dry_run,
        read=read,
        find_installer=lambda environment: find_installer(
            environment, request.installer, folder=request.offline
        ),
    ).sync()


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
