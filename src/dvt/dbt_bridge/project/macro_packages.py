"""Adds the macros of adapters to a project, as soon as a node is met whose target needs them.

dbt reads macros before it knows any node, so it has those of the default target's adapter only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvt.dbt_bridge.outputs.targets import Targets

FILE = "dvt_adapter_types.json"
"""Name of a file in the target folder: `clean` deletes it together with the partial-parse file."""
_WORD = re.compile(r"\w+")


class MacroPackages:
    """Adds packages of macros to the manifest that a loader of dbt's is parsing."""

    def __init__(self, targets: Targets, loader: Any) -> None:
        self._targets = targets
        self._loader = loader

    def include(self, kinds: set[str]) -> bool:
        """Add the macros of these adapter types; return whether any of them was missing."""
        from dbt.adapters.factory import get_include_paths

        config = self._loader.root_project
        before = set(get_include_paths(config.credentials.type))
        if not self._targets.include_macros(kinds):
            return False
        paths = [path for path in get_include_paths(config.credentials.type) if path not in before]
        projects = dict(config.load_projects(paths))
        # A new mapping: dbt may be going through the old one.
        config.dependencies = self._loader.all_projects = {**self._loader.all_projects, **projects}
        self._loader.manifest.state_check = self._loader.build_manifest_state_check()
        self._parse(projects)
        return True

    def _parse(self, projects: Mapping[str, Any]) -> None:
        from dbt.parser.macros import MacroParser
        from dbt.parser.read_files import ReadFilesFromFileSystem
        from dbt.parser.search import FileBlock

        loader = self._loader
        before = dict(loader.manifest.macros)
        reader = ReadFilesFromFileSystem(all_projects=projects)
        reader.read_files()
        for name, project in projects.items():
            parser = MacroParser(project, loader.manifest)
            for file_id in reader.project_parser_files[name].get("MacroParser", ()):
                if file_id not in loader.manifest.files:
                    loader.manifest.files[file_id] = reader.files[file_id]
                    parser.parse_file(FileBlock(reader.files[file_id]))
        loader.build_macro_resolver()
        self._find_dependencies(before)

    def _find_dependencies(self, before: Mapping[str, Any]) -> None:
        """Have dbt find what the new macros call, and the earlier ones that name a new one: all take time."""
        manifest = self._loader.manifest
        macros = manifest.macros
        new = {uid: macro for uid, macro in macros.items() if uid not in before}
        names = {macro.name for macro in new.values()}
        callers = {uid: macro for uid, macro in before.items() if names & set(_WORD.findall(macro.macro_sql))}
        manifest.macros = callers | new
        try:
            self._loader.macro_depends_on()
        finally:
            manifest.macros = macros


def remembered(config: Any) -> set[str]:
    """Return the adapter types that the project's nodes were built on when it was last parsed.

    Their macros are read with the others: partial parsing would take macros that come later for deleted.
    """
    try:
        kinds = json.loads((Path(config.project_target_path) / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {str(kind) for kind in kinds} if isinstance(kinds, list) else set()


def remember(config: Any, kinds: set[str]) -> None:
    """Write the adapter types to the file for the next invocation."""
    if kinds == remembered(config):
        return
    file = Path(config.project_target_path) / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(sorted(kinds)), encoding="utf-8")
