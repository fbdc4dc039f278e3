"""Runs dbt's commands with dvt's flags, for the command line and for `dvtRunner`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import click
from dbt.cli.exceptions import DbtUsageException
from dbt.cli.main import cli, dbtRunner, dbtRunnerResult

from dvt.core.commands import Command
from dvt.core.ports.bridge import FederatorFactory
from dvt.core.ports.operations import OperationFactory
from dvt.core.registry import load
from dvt.dbt_bridge.entry import patches
from dvt.dbt_bridge.entry.recording import record_command, record_commands
from dvt.dbt_bridge.outputs.profiles import profiles_dir_option

_OURS: set[str] = set()
"""Commands of ours on dbt's command line, some of them in the place of dbt's own."""


def prepare(make_federator: FederatorFactory, args: Sequence[str], commands: Mapping[str, Command]) -> None:
    """Patch dbt, and add dvt's flags and commands to its command line; a repeated call adds nothing twice."""
    patches.apply(make_federator)
    for name, command in commands.items():
        # Load only the command that is run: it may import modules of dbt that others do not need.
        if command.load and name in args and name not in _OURS:
            cli.add_command(load(command.load)(), name)
            _OURS.add(name)
    for name, click_command in _of_dbt(commands):
        if name in commands and commands[name].runs_nodes:
            _add_flags(click_command)
        _add_profiles_dir(click_command)
        record_command(click_command)
    for name, command in commands.items():
        if command.epilog and name in cli.commands:
            cli.commands[name].epilog = command.epilog
        if command.help and name in cli.commands:
            cli.commands[name].help = command.help


def invoke(
    args: list[str],
    make_federator: FederatorFactory,
    commands: Mapping[str, Command],
    *,
    manifest: Any,
    callbacks: list[Callable[[Any], None]],
    parameters: Mapping[str, Any],
    record: OperationFactory | None = None,
) -> dbtRunnerResult:
    """Run one command as `dbtRunner.invoke` does, but raise KeyboardInterrupt instead of returning it.

    `record` puts the command on record; None: nothing does.
    """
    prepare(make_federator, args, commands)
    record_commands(record)
    result = dbtRunner(manifest=manifest, callbacks=callbacks).invoke(args, **parameters)
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception
    return result


def invoke_alone(
    command: click.Command, args: Sequence[str], parameters: Mapping[str, Any]
) -> dbtRunnerResult:
    """Run a command of ours that is none on dbt's command line, with the result that `invoke` gives."""
    try:
        context = command.make_context(f"dvt {args[0]}", list(args[1:]))
        context.params.update(parameters)
        with context:
            return dbtRunnerResult(success=True, result=command.invoke(context))
    except click.exceptions.Exit as stop:
        return dbtRunnerResult(success=stop.exit_code == 0)
    except SystemExit as stop:
        return dbtRunnerResult(success=stop.code in {0, None})
    except click.UsageError as error:
        return dbtRunnerResult(success=False, exception=DbtUsageException(error.message))
    except Exception as error:  # noqa: BLE001 - the caller gets it
        return dbtRunnerResult(success=False, exception=error)


def run_cli(
    args: Sequence[str],
    make_federator: FederatorFactory,
    commands: Mapping[str, Command],
    record: OperationFactory,
) -> None:
    """Run one command of the command line, put it on record, and end the process with dbt's exit code."""
    prepare(make_federator, args, commands)
    record_commands(record)
    cli.main(list(args), prog_name="dvt")


def help_text(
    names: Sequence[str], make_federator: FederatorFactory, commands: Mapping[str, Command]
) -> str | None:
    """Return the help of a command or, with several names, of a subcommand; None if it does not exist."""
    prepare(make_federator, names, commands)
    command: Any = cli
    context = click.Context(cli, info_name="dvt", **cli.context_settings)
    for name in names:
        command = command.commands.get(name) if isinstance(command, click.Group) else None
        if command is None:
            return None
        context = click.Context(command, parent=context, info_name=name)
    return str(command.get_help(context))


def _of_dbt(commands: Mapping[str, Command]) -> Iterator[tuple[str, Any]]:
    """Yield dbt's commands, ours in their places, and their subcommands: those that need no dbt are apart."""
    for name, command in cli.commands.items():
        if name not in commands or commands[name].needs_dbt:
            yield name, command
            if isinstance(command, click.Group):
                yield from _commands(command)


def _commands(group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        yield name, command
        if isinstance(command, click.Group):
            yield from _commands(command)


def _add_flags(command: click.Command) -> None:
    """Add dvt's flags to the command itself: `dbt retry` does not see the flags of a copy."""
    if any(param.name == "compute" for param in command.params):
        return
    command.params.append(
        click.Option(
            ["--compute", "-c"],
            envvar=["DVT_COMPUTE"],
            help="Compute federated nodes on this entry of computes.yml, or: auto, target, source.",
        )
    )
    command.params.append(
        click.Option(
            ["--bucket"],
            envvar=["DVT_BUCKET"],
            help="Stage the data of federated nodes in this entry of buckets.yml.",
        )
    )
    command.params.append(
        click.Option(
            ["--keep-staging/--no-keep-staging"],
            envvar=["DVT_KEEP_STAGING"],
            default=False,
            help="Keep the staged Parquet files after a successful run.",
        )
    )
    command.params.append(
        click.Option(
            ["--resume/--no-resume"],
            envvar=["DVT_RESUME"],
            default=True,
            help="Take what a run that failed has extracted, for as long as its bucket keeps that.",
        )
    )


def _add_profiles_dir(command: click.Command) -> None:
    """Make --profiles-dir default to DVT_PROFILES_DIR, then to dvt's default folder."""
    for param in command.params:
        if param.name == "profiles_dir" and isinstance(param.envvar, list | str | None):
            variables = [param.envvar] if isinstance(param.envvar, str) else list(param.envvar or ())
            if "DVT_PROFILES_DIR" not in variables:
                param.envvar = ["DVT_PROFILES_DIR", *variables]
                param.default = _default_profiles_dir


def _default_profiles_dir() -> Any:
    return profiles_dir_option(click.get_current_context(silent=True))
