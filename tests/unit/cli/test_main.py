"""Commands that `dvt` answers without dbt, and the CPU time they take."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from importlib.metadata import version

import pytest

from dvt import __version__
from dvt.app.commands import COMMANDS
from dvt.cli.help import cache_help, cached_help, requested_command
from dvt.cli.overview import overview
from dvt.core.commands import Command

CPU_LIMIT = 0.4
"""CPU seconds that one command may take: unlike wall seconds, they hardly depend on other load."""


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dvt.cli.main", *args], capture_output=True, text=True, check=True
    )


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("args", [("--version",), ("--help",), ("-h",), ()])
def test_version_and_help_take_little_cpu_time(args):
    taken = []
    for _ in range(5):
        before = children_cpu()
        run(*args)
        taken.append(children_cpu() - before)
    assert min(taken) < CPU_LIMIT


@pytest.mark.parametrize("args", [("--version",), ("--help",)])
def test_version_and_help_import_neither_dbt_nor_a_driver(args):
    code = f"import sys; sys.argv = ['dvt', *{args!r}]\n"
    code += "from dvt.cli.main import main; main(); print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules = printed.splitlines()[-1].split()
    assert "dvt.cli.main" in modules
    assert not [name for name in modules if name.split(".")[0] in {"dbt", "click", "duckdb", "sqlglot"}]


def test_help_imports_no_more_than_it_needs():
    code = "import sys; sys.argv = ['dvt', '--help']; before = set(sys.modules)\n"
    code += "from dvt.cli.main import main; main(); print(*set(sys.modules) - before)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {"dataclasses", "inspect", "pathlib"}.isdisjoint(printed.splitlines()[-1].split())


def test_the_first_version_printed_is_dbt_cores():
    printed = run("--version").stdout
    first = re.search(r"(\d+)\.(\d+)\.(\d+)", printed)
    assert first is not None
    assert first.group(0) == version("dbt-core")
    assert f"dvt:\n  - installed: {__version__}" in printed
    assert f"duckdb: {version('dbt-duckdb')}" in printed


def test_help_lists_every_command_with_dvts_own_flags():
    printed = overview()
    assert all(f"\n  {name} " in printed for name in COMMANDS)
    assert {"--compute", "--keep-staging"} <= set(printed.replace(",", " ").split())


def test_only_help_alone_asks_for_a_commands_help():
    assert requested_command(["run", "--help"]) == ("run",)
    assert requested_command(["docs", "generate", "-h"]) == ("docs", "generate")
    assert requested_command(["run", "--help", "--select"]) is None
    assert requested_command(["run", "-q", "--help"]) is None
    assert requested_command(["--help"]) is None


def test_cached_help_belongs_to_these_versions(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cached_help(("run",)) is None
    cache_help(("run",), "text")
    assert cached_help(("run",)) == "text"
    monkeypatch.setattr("dvt.cli.help.__version__", "9.9.9")
    assert cached_help(("run",)) is None


def test_a_cache_that_cannot_be_written_fails_no_command(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cache_help(("run",), "text")
    assert cached_help(("run",)) is None


def test_examples_run_the_command_they_explain():
    for name, command in COMMANDS.items():
        assert all(example.startswith(f"dvt {name}") for example in command.examples), name
    assert COMMANDS["parse"].epilog == ""
    assert COMMANDS["retry"].epilog == "\b\nExamples:\n  dvt retry"


def test_cached_help_belongs_to_these_commands_and_their_files(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache_help(("run",), "text")
    assert cached_help(("run",)) == "text"
    monkeypatch.setitem(COMMANDS, "toy", Command("Play"))
    assert cached_help(("run",)) is None
    monkeypatch.delitem(COMMANDS, "toy")
    assert cached_help(("run",)) == "text"
    monkeypatch.setattr("dvt.app.commands._MADE_IN", ("dvt.app",))
    assert cached_help(("run",)) is None


TOY = """
import sys
import click
from dvt.app import commands
from dvt.core.commands import Command
from dvt.core.errors import BadConfig

sys.modules["dbt"] = sys.modules["dbt_common"] = None  # importing them fails

def toy():
    @click.command("toy")
    @click.option("--fail", is_flag=True)
    def play(fail):
        "Play with it."
        if fail:
            raise BadConfig("a toy", "fail", "true", ("false",))
        click.echo("played")
    return play

sys.modules["dvt_toys"] = sys.modules["__main__"]
commands.COMMANDS["toy"] = Command("Play", ("dvt toy --fail",), load="dvt_toys:toy", needs_dbt=False)
from dvt.cli.main import main
main()
"""


@pytest.mark.parametrize(
    ("args", "code", "printed"),
    [
        (["toy"], 0, "played\n"),
        (["toy", "--help"], 0, "Usage: dvt toy [OPTIONS]\n\n  Play with it."),
        (["toy", "--help"], 0, "Examples:\n    dvt toy --fail"),
        (["toy", "--fail"], 2, "DVT118 a toy: fail cannot be"),
        (["toy", "--other"], 2, "No such option"),
        (["--help"], 0, "\n  toy "),
    ],
)
def test_a_command_that_needs_no_dbt_runs_where_dbt_cannot_be_imported(args, code, printed):
    process = _toys(*args)
    assert process.returncode == code, process.stderr
    assert printed in process.stdout + process.stderr
    assert "Traceback" not in process.stderr


def test_a_command_of_dbts_needs_dbt():
    assert "ModuleNotFoundError: No module named 'dbt.cli'" in _toys("run").stderr


def _toys(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", TOY, *args], capture_output=True, text=True, check=False)
