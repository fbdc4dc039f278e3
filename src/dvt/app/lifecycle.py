"""Wires what is around a project's lifecycle: its folders in buckets, and its outputs with stage tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dvt.app.own_folders import OwnFolder
    from dvt.config.yaml_lines import Invalid
    from dvt.core.housekeeping import ProjectPlace
    from dvt.core.names import TableRef
    from dvt.core.ports.lifecycle import Surroundings


def surroundings(project_dir: Path) -> Surroundings:
    """Return what is around a project; nothing is opened or read yet."""
    from dvt.core.ports.lifecycle import Surroundings

    return Surroundings(staged=lambda: _staged(project_dir), drop=lambda tables: _drop(project_dir, tables))


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


def _drop(project_dir: Path, tables: Mapping[str, Sequence[TableRef]]) -> Mapping[TableRef, str]:
    """Drop stage tables of dead runs, and strike them off their records."""
    from contextlib import suppress

    from dvt.app.connectors import open_connectors, type_reader
    from dvt.config.profiles import load_profile
    from dvt.core.errors import DvtError
    from dvt.core.names import STAGE_PREFIX
    from dvt.federation.connections import Connection
    from dvt.federation.stage_tables import drop
    from dvt.runs import operations

    reasons = {table: "its run is not dead for certain" for of in tables.values() for table in of}
    place = project_place(project_dir)
    if place is None:
        return dict.fromkeys(reasons, "there is no dbt project here, so its outputs are not known")
    outputs = load_profile(place.profiles_dir, place.profile)
    type_of = type_reader(outputs)
    with open_connectors(outputs, place.project_dir) as open_connector:
        for operation in operations.dead(place.project_dir / ".dvt" / "operations", tables):
            try:
                on_record = {
                    table for table in operation.stage_tables if table.identifier.startswith(STAGE_PREFIX)
                }
                for table in tables[operation.run]:
                    reasons[table] = "it is not on the record of its run any more"
                    if table not in on_record:
                        continue
                    try:
                        name = table.connection
                        error = drop(table, Connection(name, open_connector(name), type_of(name)), operation)
                        reasons[table] = "" if error is None else error.message
                    except DvtError as error:
                        reasons[table] = error.message
            finally:
                with suppress(OSError):
                    operation.close()
    return reasons


def project_place(project_dir: Path) -> ProjectPlace | None:
    """Return what dbt_project.yml says of a project, without dbt; None if there is no such file.

    LifecycleInvalid if it cannot be read.
    """
    from dvt.core.errors import LifecycleInvalid

    return place_of(project_dir, LifecycleInvalid)


def place_of(project_dir: Path, invalid: Invalid) -> ProjectPlace | None:
    """Return what dbt_project.yml says of a project; raise what `invalid` makes if it cannot be read."""
    from dvt.config.profiles import profiles_dir
    from dvt.config.yaml_lines import Document
    from dvt.core.housekeeping import ProjectPlace

    file = project_dir / "dbt_project.yml"
    if not file.exists():
        return None
    content = Document.read(file, invalid).content
    name = content.get("name") if isinstance(content, dict) else None
    if not isinstance(name, str):
        raise invalid(str(file), None, "it does not say the project's name")
    profile = os.environ.get("DBT_PROFILE") or content.get("profile") or name
    return ProjectPlace(
        project_dir=project_dir.resolve(),
        project=name,
        profiles_dir=profiles_dir(project_dir),
        profile=str(profile),
    )
