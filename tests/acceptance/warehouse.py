"""A project with dbt-bigquery, and the `dvt` command run on it."""

from __future__ import annotations

import os
from importlib import metadata
from typing import Any

from tests.acceptance.project import Project
from tests.stores.programs import program


class Warehouse(Project):
    """A project whose command runs in an environment of its own: dbt-bigquery does not go with the tests'."""

    forks = False

    def start(self, *args: str, **options: Any) -> Any:
        python = program("dbt-bigquery", "env/bin/python")
        given = {**os.environ, **(options.get("env") or {})}
        path = os.pathsep.join([*filter(None, [given.get("PYTHONPATH")]), self._facts()])
        env = {**(options.get("env") or {}), "PYTHONPATH": path}
        command = (str(python), "-m", "dvt.cli.main")
        return super().start(*args, **{**options, "command": command, "env": env})

    def _facts(self) -> str:
        """Return a folder with what an installation of dvt tells of itself, which that environment lacks."""
        folder = self.root.parent / "facts" / "dvt_engine-0.dist-info"
        if not folder.exists():
            folder.mkdir(parents=True)
            told = metadata.distribution("dvt-engine").read_text("METADATA")
            (folder / "METADATA").write_text(str(told))
        return str(folder.parent)
