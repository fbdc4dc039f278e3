"""Finds the files of seeds that dvt loads: dbt takes only those that end in `.csv`, in UTF-8."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvt.core.errors import SeedConfigWrong
from dvt.core.seeds import suffix_of

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session

_OWN = ".csv"
"""The suffix of the seeds that dbt itself finds."""


def read_files_for_project(
    original: Callable[..., Any], session: Session, self: Any, project: Any, file_types: Any
) -> None:
    """Find a project's files as dbt does, then the seeds of other formats that have `engine: dvt`."""
    original(self, project, file_types)
    from dbt.parser.read_files import generate_dbt_ignore_spec
    from dbt.parser.search import filesystem_search

    ignored = generate_dbt_ignore_spec(project.project_root)
    found = self.project_parser_files[project.project_name].setdefault("SeedParser", [])
    paths = filesystem_search(project, project.seed_paths, "", ignored)
    own = [path for path in paths if suffix_of(path.relative_path) not in {"", _OWN}]
    patches = _engines(self, project) if own else {}
    for path in own:
        if _has_engine(session, project, path, patches):
            file = _source_file(path, project.project_name)
            self.files[file.file_id] = file
            found.append(file.file_id)


def parse_file(original: Callable[..., Any], session: Session, self: Any, file_block: Any) -> None:
    """Parse a file as dbt does; the name of a seed is that of its file without all of its suffix."""
    del session
    suffix = suffix_of(file_block.path.relative_path) if str(self.resource_type) == "seed" else ""
    original(self, _named(file_block) if suffix.count(".") > 1 else file_block)


def check_reader(node: Any) -> None:
    """Raise SeedConfigWrong for a seed that dbt would read as CSV, and is not."""
    file = node.original_file_path
    if str(node.resource_type) == "seed" and suffix_of(file) not in {"", _OWN}:
        problem = f"it is {node.config.get('engine')!r}, and dbt reads no {suffix_of(file)} ({file})"
        raise SeedConfigWrong(node.name, "engine", problem, "set `engine: dvt`, or remove the file")


def load_seed_source_file(
    original: Callable[..., Any], session: Session, match: Any, project_name: str
) -> Any:
    """Read a seed's file as dbt does; one in another encoding is hashed byte by byte."""
    try:
        return original(match, project_name)
    except UnicodeError:
        if not _names_engine(session.config.seeds):
            raise
    return _source_file(match, project_name)


def _source_file(path: Any, project_name: str) -> Any:
    """Return a seed's file with the hash of its bytes, of whatever size it is."""
    from dbt.contracts.files import FileHash, ParseFileType, SourceFile

    with Path(path.absolute_path).open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    source_file = SourceFile(path=path, checksum=FileHash("sha256", checksum))
    source_file.contents = ""
    source_file.parse_file_type = ParseFileType.Seed
    source_file.project_name = project_name
    return source_file


def _named(file_block: Any) -> Any:
    """Return a block of a file whose name ends where its suffix begins: `orders` for `orders.csv.gz`."""
    from dbt.parser.search import FileBlock

    class SeedBlock(FileBlock):
        @property
        def name(self) -> str:
            return _name(self.file.path)

    return SeedBlock(file_block.file)


def _name(path: Any) -> str:
    name = Path(path.relative_path).name
    return name[: len(name) - len(suffix_of(name))]


def _has_engine(session: Session, project: Any, path: Any, patches: Mapping[str, Any]) -> bool:
    """Return whether a seed has `engine: dvt`, by dbt's own order of dbt_project.yml and properties."""
    from dbt.context.context_config import ContextConfigGenerator
    from dbt.node_types import NodeType

    name = _name(path)
    config = ContextConfigGenerator(session.config).calculate_node_config(
        config_call_dict={},
        fqn=[project.project_name, *Path(path.relative_path).parts[:-1], name],
        resource_type=NodeType.Seed,
        project_name=project.project_name,
        base=False,
        patch_config_dict={"engine": patches[name]} if name in patches else {},
    )
    return bool(config.get("engine") == "dvt")


def _engines(reader: Any, project: Any) -> dict[str, Any]:
    """Return the engines that a project's properties give seeds, by their names."""
    return dict(
        pair
        for file_id in reader.project_parser_files[project.project_name].get("SchemaParser", ())
        for pair in _given(getattr(reader.files[file_id], "dfy", None) or {})
    )


def _given(properties: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for seed in properties.get("seeds") or ():
        config = seed.get("config") if isinstance(seed, dict) else None
        if isinstance(config, dict) and "engine" in config:
            yield str(seed.get("name")), config["engine"]


def _names_engine(configs: Any) -> bool:
    """Return whether `engine: dvt` is anywhere in the seeds' configs of dbt_project.yml."""
    if not isinstance(configs, Mapping):
        return False
    own = "dvt" in (configs.get("engine"), configs.get("+engine"))
    return own or any(map(_names_engine, configs.values()))
