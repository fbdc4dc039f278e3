"""What `dvt` answers without dbt, and how quickly."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from importlib.metadata import version

import pytest

from dvt import __version__
from dvt.app.commands import COMMANDS
from dvt.cli.help import asked, keep, kept
from dvt.cli.overview import overview
from dvt.core.commands import Command

SECONDS = 0.4
"""CPU seconds of one command: unlike those on a clock, a busy machine hardly changes them."""


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dvt.cli.main", *args], capture_output=True, text=True, check=True
    )


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("args", [("--version",), ("--help",), ("-h",), ()])
def test_answers_at_once(args):
    taken = []
    for _ in range(5):
        before = children_cpu()
        run(*args)
        taken.append(children_cpu() - before)
    assert min(taken) < SECONDS


@pytest.mark.parametrize("args", [("--version",), ("--help",)])
def test_answers_without_dbt(args):
    code = f"import sys; sys.argv = ['dvt', *{args!r}]\n"
    code += "from dvt.cli.main import main; main(); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules = shown.splitlines()[-1].split()
    assert "dvt.cli.main" in modules
    assert not [name for name in modules if name.split(".")[0] in {"dbt", "click", "duckdb", "sqlglot"}]


def test_help_imports_no_more_than_it_needs():
    code = "import sys; sys.argv = ['dvt', '--help']; before = set(sys.modules)\n"
    code += "from dvt.cli.main import main; main(); print(*set(sys.modules) - before)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {"dataclasses", "inspect", "pathlib"}.isdisjoint(shown.splitlines()[-1].split())


def test_the_first_version_is_dbts_where_tools_look_for_it():
    shown = run("--version").stdout
    first = re.search(r"(\d+)\.(\d+)\.(\d+)", shown)
    assert first is not None
    assert first.group(0) == version("dbt-core")
    assert f"dvt:\n  - installed: {__version__}" in shown
    assert f"duckdb: {version('dbt-duckdb')}" in shown


def test_help_lists_every_command_with_dvts_own_flags():
    shown = overview()
    assert all(f"\n  {name} " in shown for name in COMMANDS)
    assert {"--compute", "--keep-staging"} <= set(shown.replace(",", " ").split())


def test_a_commands_help_is_asked_for_by_itself_only():
    assert asked(["run", "--help"]) == ("run",)
    assert asked(["docs", "generate", "-h"]) == ("docs", "generate")
    assert asked(["run", "--help", "--select"]) is None
    assert asked(["run", "-q", "--help"]) is None
    assert asked(["--help"]) is None


def test_help_is_kept_for_these_versions(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept(("run",)) is None
    keep(("run",), "text")
    assert kept(("run",)) == "text"
    monkeypatch.setattr("dvt.cli.help.__version__", "9.9.9")
    assert kept(("run",)) is None


def test_a_home_that_cannot_be_written_is_no_reason_to_fail(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    keep(("run",), "text")
    assert kept(("run",)) is None


def test_examples_run_the_command_they_explain():
    for name, command in COMMANDS.items():
        assert all(one.startswith(f"dvt {name}") for one in command.examples), name
    assert COMMANDS["parse"].epilog == ""
    assert COMMANDS["retry"].epilog == "\b\nExamples:\n  dvt retry"


def test_help_is_kept_for_these_commands_and_the_files_that_make_them(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keep(("run",), "text")
    assert kept(("run",)) == "text"
    monkeypatch.setitem(COMMANDS, "toy", Command("Play"))
    assert kept(("run",)) is None
    monkeypatch.delitem(COMMANDS, "toy")
    assert kept(("run",)) == "text"
    monkeypatch.setattr("dvt.app.commands._MADE_IN", ("dvt.app",))
    assert kept(("run",)) is None


TOY = """
import sys
import click
from dvt.app import commands
from dvt.core.commands import Command
from dvt.core.errors import BadConfig

sys.modules["dbt"] = sys.modules["dbt_common"] = None  # whoever imports them fails

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
    ("args", "code", "shown"),
    [
        (["toy"], 0, "played\n"),
        (["toy", "--help"], 0, "Usage: dvt toy [OPTIONS]\n\n  Play with it."),
        (["toy", "--help"], 0, "Examples:\n    dvt toy --fail"),
        (["toy", "--fail"], 2, "DVT118 a toy: fail cannot be"),
        (["toy", "--other"], 2, "No such option"),
        (["--help"], 0, "\n  toy "),
    ],
)
def test_a_command_that_needs_no_dbt_runs_where_dbt_cannot_be_imported(args, code, shown):
    done = _toys(*args)
    assert done.returncode == code, done.stderr
    assert shown in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_of_dbts_needs_it():
    assert "ModuleNotFoundError: No module named 'dbt.cli'" in _toys("run").stderr


def _toys(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", TOY, *args], capture_output=True, text=True, check=False)
