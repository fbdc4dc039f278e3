"""Wires what is around a project's lifecycle: its folders in buckets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dvt.app.own_folders import OwnFolder
    from dvt.core.housekeeping import ProjectPlace
    from dvt.core.ports.lifecycle import Surroundings


def surroundings(project_dir: Path) -> Surroundings:
    """Return what is around a project; nothing is opened or read yet."""
    from dvt.core.ports.lifecycle import Surroundings

    return Surroundings(staged=lambda: _staged(project_dir))


def _staged(project_dir: Path) -> Sequence[OwnFolder]:
    """Return the project's folders in all buckets of its profile; none if there is no dbt project."""
    from dvt.app.own_folders import own_folders
    from dvt.config.buckets import load_buckets

    place = project_place(project_dir)
    if place is None:
        return ()
    buckets = load_buckets(place.profile, place.profiles_dir, project_dir=place.project_dir)
    folders = own_folders(place, {place.profile: buckets})
    return [folder for folder in folders if folder.is_named or not folder.entry.errors]


def project_place(project_dir: Path) -> ProjectPlace | None:
    """Return what dbt_project.yml says of a project, without dbt; None if there is no such file.

    LifecycleInvalid if it cannot be read.
    """
    from dvt.config.profiles import default_profiles_dir
    from dvt.config.yaml_lines import Document
    from dvt.core.errors import LifecycleInvalid
    from dvt.core.housekeeping import ProjectPlace

    file = project_dir / "dbt_project.yml"
    if not file.exists():
        return None
    content = Document(str(file), file.read_text(encoding="utf-8"), LifecycleInvalid, os.environ).content
    name = content.get("name") if isinstance(content, dict) else None
    if not isinstance(name, str):
        raise LifecycleInvalid(str(file), None, "it does not say the project's name")
    profile = os.environ.get("DBT_PROFILE") or content.get("profile") or name
    chosen = os.environ.get("DBT_PROFILES_DIR")
    folder = Path(chosen) if chosen else default_profiles_dir(project_dir)
    return ProjectPlace(
        project_dir=project_dir.resolve(), project=name, profiles_dir=folder, profile=str(profile)
    )
