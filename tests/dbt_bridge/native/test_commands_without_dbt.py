"""A command that needs no dbt: `dvtRunner` gives what the command line does, as a result of dbt's."""

from __future__ import annotations

import sys
from typing import Any

import click
import pytest
from dbt.cli.exceptions import DbtUsageException
from dbt.cli.main import dbtRunnerResult

from dvt import dvtRunner
from dvt.app import main
from dvt.app.commands import COMMANDS
from dvt.core.commands import Command
from dvt.core.errors import BadConfig

pytestmark = pytest.mark.slow


def toy() -> click.Command:
    """Make a command that ends in every way that one can."""

    @click.command("toy")
    @click.option("--end", default="well")
    @click.option("--times", type=int, default=1)
    @click.pass_context
    def play(context: click.Context, end: str, times: int) -> list[str]:
        match end:
            case "error":
                raise BadConfig("a toy", "end", end, ("well",))
            case "bug":
                raise ZeroDivisionError
            case "exit":
                context.exit(times)
            case "system":
                sys.exit(times)
            case "abort":
                raise click.Abort
            case "ctrl-c":
                raise KeyboardInterrupt
        return ["played"] * times

    return play


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "toy", Command("Play", load=f"{__name__}:toy", needs_dbt=False))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("args", "code", "kind"),
    [
        ([], 0, None),
        (["--help"], 0, None),
        (["--end", "exit", "--times", "0"], 0, None),
        (["--end", "exit", "--times", "1"], 1, None),
        (["--end", "exit", "--times", "2"], 2, None),
        (["--end", "system", "--times", "0"], 0, None),
        (["--end", "system", "--times", "1"], 1, None),
        (["--end", "error"], 2, BadConfig),
        (["--end", "abort"], 1, click.Abort),
        (["--times", "often"], 2, DbtUsageException),
        (["--other"], 2, DbtUsageException),
        (["more"], 2, DbtUsageException),
    ],
)
def test_success_is_exit_code_0(args: list[str], code: int, kind: type[Exception] | None) -> None:
    result = dvtRunner().invoke(["toy", *args])
    assert type(result) is dbtRunnerResult
    with pytest.raises(SystemExit) as ended:
        main(["toy", *args])
    assert (ended.value.code, result.success) == (code, code == 0)
    assert type(result.exception) is (kind or type(None))


def test_what_the_command_returns_is_the_result() -> None:
    assert dvtRunner().invoke(["toy", "--times", "2"]).result == ["played"] * 2


def test_arguments_may_be_given_by_name() -> None:
    assert dvtRunner().invoke(["toy"], times=3).result == ["played"] * 3


def test_an_error_in_the_command_is_the_callers() -> None:
    assert isinstance(dvtRunner().invoke(["toy", "--end", "bug"]).exception, ZeroDivisionError)


def test_ctrl_c_reaches_the_caller() -> None:
    with pytest.raises(KeyboardInterrupt):
        dvtRunner().invoke(["toy", "--end", "ctrl-c"])


def test_dbts_command_line_does_not_know_it(capsys: Any) -> None:
    from dbt.cli.main import cli

    assert dvtRunner().invoke(["toy", "--help"]).success
    assert "Usage: dvt toy [OPTIONS]" in capsys.readouterr().out
    assert "toy" not in cli.commands
