"""A dbt project on disk and the `dvt` command run on it, as a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml

from tests.acceptance import forked

DVT = (sys.executable, "-m", "dvt.cli.main")


@dataclass(frozen=True)
class CommandResult:
    """The result of one `dvt` command."""

    code: int
    """Exit code."""
    output: str
    """Standard output and standard error."""
    root: Path

    def statuses(self) -> dict[str, str]:
        """Return node name → status, from run_results.json."""
        text = (self.root / "target" / "run_results.json").read_text()
        return {node["unique_id"].split(".")[2]: node["status"] for node in json.loads(text)["results"]}

    def ok(self) -> CommandResult:
        """Assert that the command succeeded; return the same result."""
        assert self.code == 0, self.output
        return self


@dataclass
class Project:
    """A project's files; every call writes or runs at once, nothing is cached."""

    root: Path
    outputs: Mapping[str, Mapping[str, Any]]
    default: str
    config: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    forks: ClassVar[bool] = True
    """Whether a command may be a fork, which has the tests' own packages."""

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self._yaml("profiles.yml", {"shop": {"target": self.default, "outputs": _plain(self.outputs)}})
        project = {
            "name": "shop",
            "version": "1.0",
            "profile": "shop",
            "model-paths": ["models"],
            "flags": {"send_anonymous_usage_stats": False},
        }
        self._yaml("dbt_project.yml", project | dict(self.config))

    def _yaml(self, name: str, content: Any) -> None:
        self.file(name, yaml.safe_dump(content, sort_keys=False))

    def file(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def source(self, name: str, connection: str, tables: Sequence[str], **keys: Any) -> None:
        """Declare a source on a connection."""
        source = {"name": name, "config": {"connection": connection}, **keys}
        source["tables"] = [{"name": table} for table in tables]
        self._yaml(f"models/source_{name}.yml", {"sources": [source]})

    def model(self, name: str, sql: str, **config: Any) -> None:
        """Write a model, with its config in the same file."""
        arguments = ", ".join(f"{key}={value!r}" for key, value in config.items())
        head = f"{{{{ config({arguments}) }}}}\n" if config else ""
        self.file(f"models/{name}.sql", head + sql)

    def start(
        self, *args: str, env: Mapping[str, str] | None = None, command: Sequence[str] = DVT
    ) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        return subprocess.Popen(
            [*command, *args],
            cwd=self.root,
            env=self._environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _environment(self, more: Mapping[str, str] | None) -> dict[str, str]:
        return {**os.environ, "DBT_PROFILES_DIR": str(self.root), "NO_COLOR": "1", **(more or {})}

    def dvt(
        self,
        *args: str,
        timeout: float = 240,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = DVT,
    ) -> CommandResult:
        """Run a command to its end; fail as `finish` does if it hangs."""
        if command is not DVT or not self.forks or "PYTHONPATH" in (env or {}):
            return self.finish(self.start(*args, env=env, command=command), timeout)
        try:
            code, output = forked.run(args, self.root, self._environment(env), timeout)
        except TimeoutError as error:
            raise AssertionError(f"dvt {' '.join(args)} took over {timeout} s:\n{error}") from None
        return CommandResult(code, output, self.root)

    def finish(self, process: subprocess.Popen[str], timeout: float) -> CommandResult:
        """Wait for a started command; after `timeout` seconds kill it and its children, and fail."""
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            command = " ".join(map(str, process.args))
            raise AssertionError(f"{command} took over {timeout} s:\n{output}") from None
        return CommandResult(process.returncode, output, self.root)


def _plain(outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: dict(keys) for name, keys in outputs.items()}
