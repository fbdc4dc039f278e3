"""Lets dbt take a seed's file that is not written in UTF-8, where dvt loads seeds: dbt only hashes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session


def load_seed_source_file(
    original: Callable[..., Any], session: Session, match: Any, project_name: str
) -> Any:
    """Read a seed's file as dbt does; one in another encoding is hashed byte by byte."""
    try:
        return original(match, project_name)
    except UnicodeError:
        if not _names_engine(session.config.seeds):
            raise
    from dbt.contracts.files import FileHash, ParseFileType, SourceFile

    checksum = FileHash.from_contents(Path(match.absolute_path).read_bytes().decode("latin-1"))
    source_file = SourceFile(path=match, checksum=checksum)
    source_file.contents = ""
    source_file.parse_file_type = ParseFileType.Seed
    source_file.project_name = project_name
    return source_file


def _names_engine(configs: Any) -> bool:
    """Return whether `engine: dvt` is anywhere in the seeds' configs of dbt_project.yml."""
    if not isinstance(configs, Mapping):
        return False
    own = "dvt" in (configs.get("engine"), configs.get("+engine"))
    return own or any(map(_names_engine, configs.values()))
