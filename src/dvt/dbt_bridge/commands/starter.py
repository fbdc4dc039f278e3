"""Changes `dvt init`: sources of the starter project name their connections; dvt's files are written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from dbt.flags import get_flags
from dbt_common.events.functions import fire_event
from dbt_common.events.types import Note

FLAGS = """
# Every source says which output it lives on: `config: {{connection: NAME}}`.
flags:
  require_source_connections: true
"""
"""Text added to dbt_project.yml. Braces are doubled, since dbt formats the file with the project's name."""


def copy_starter_repo(original: Callable[..., Any], self: Any, project_name: str) -> None:
    """Copy dbt's starter project, and add dvt's flag to its dbt_project.yml."""
    original(self, project_name)
    file = Path(project_name) / "dbt_project.yml"
    text = file.read_text(encoding="utf-8")
    if "\nflags:" not in text:
        file.write_text(text + FLAGS, encoding="utf-8")


def run(original: Callable[..., Any], self: Any) -> Any:
    """Do as dbt, then write buckets.yml, computes.yml and profiles.yml where there is none, as templates."""
    folder = Path(get_flags().PROFILES_DIR).resolve()
    result = original(self)
    profile = _profile_here()
    if profile is not None:
        _write_templates(folder, profile)
    return result


def _profile_here() -> str | None:
    """Return the profile of the project in the working directory; None if dbt has made or found none."""
    try:
        content = yaml.safe_load(Path("dbt_project.yml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    profile = content.get("profile") if isinstance(content, dict) else None
    return profile if isinstance(profile, str) else None


def _write_templates(folder: Path, profile: str) -> None:
    """Write each file that is neither beside profiles.yml nor, where dvt looks for it, in `~/.dvt`."""
    from dvt.config.templates import templates

    for name, text in templates(profile).items():
        places = [folder] if name == "profiles.yml" else [folder, Path.home() / ".dvt"]
        if not any((place / name).exists() or (place / name).is_symlink() for place in places):
            with suppress(FileExistsError), (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
                fire_event(Note(msg=f"Created {name} template at {folder / name}"))
