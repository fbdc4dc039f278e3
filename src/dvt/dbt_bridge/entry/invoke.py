"""dbt's own entry points with dvt's flags on them: the command line, and `dvtRunner`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import click
from dbt.cli.main import cli, dbtRunner, dbtRunnerResult

from dvt.core.ports.bridge import FederatorFactory
from dvt.dbt_bridge.entry import patches
from dvt.dbt_bridge.outputs.profiles import profiles_dir_option

RUNS_NODES = (
    "explain",
    "build",
    "clone",
    "compile",
    "run",
    "seed",
    "show",
    "snapshot",
    "test",
    "retry",
    "run-operation",
)
"""Commands that take dvt's own flags."""


EXPLAIN = "explain"


def prepare(make_federator: FederatorFactory, args: Sequence[str]) -> None:
    """Patch dbt and put dvt's flags and commands on its command line, once per process."""
    patches.apply(make_federator)
    if EXPLAIN in args and EXPLAIN not in cli.commands:
        # Here and not at once: it needs modules of dbt that other commands do not.
        from dvt.dbt_bridge.commands.explain import command as explain

        cli.add_command(explain(), EXPLAIN)
    for name, command in _commands(cli):
        if name in RUNS_NODES:
            _add_flags(command)
        _look_for_profiles(command)


def invoke(
    args: list[str],
    make_federator: FederatorFactory,
    manifest: Any,
    callbacks: list[Callable[[Any], None]],
    parameters: Mapping[str, Any],
) -> dbtRunnerResult:
    """Run one command as `dbtRunner.invoke` does; Ctrl-C reaches the caller instead of being a result."""
    prepare(make_federator, args)
    result = dbtRunner(manifest=manifest, callbacks=callbacks).invoke(args, **parameters)
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception
    return result


def run_cli(args: Sequence[str], make_federator: FederatorFactory, examples: Mapping[str, str]) -> None:
    """Run one command of the command line; ends the process with dbt's exit code."""
    prepare(make_federator, args)
    _teach(examples)
    cli.main(list(args), prog_name="dvt")


def help_text(
    names: Sequence[str], make_federator: FederatorFactory, examples: Mapping[str, str]
) -> str | None:
    """The help of a command, or of a command of a command."""
    prepare(make_federator, names)
    _teach(examples)
    command: Any = cli
    context = click.Context(cli, info_name="dvt", **cli.context_settings)
    for name in names:
        command = command.commands.get(name) if isinstance(command, click.Group) else None
        if command is None:
            return None
        context = click.Context(command, parent=context, info_name=name)
    return str(command.get_help(context))


def _teach(examples: Mapping[str, str]) -> None:
    for name, text in examples.items():
        if text and name in cli.commands:
            cli.commands[name].epilog = text


def _commands(group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        yield name, command
        if isinstance(command, click.Group):
            yield from _commands(command)


def _add_flags(command: click.Command) -> None:
    """In place: a copied command loses its flags on `dbt retry`."""
    if any(param.name == "compute" for param in command.params):
        return
    command.params.append(
        click.Option(
            ["--compute", "-c"],
            envvar=["DVT_COMPUTE"],
            help="Run federated models on this entry of computes.yml.",
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


def _look_for_profiles(command: click.Command) -> None:
    for param in command.params:
        if param.name == "profiles_dir" and isinstance(param.envvar, list | str | None):
            known = [param.envvar] if isinstance(param.envvar, str) else list(param.envvar or ())
            if "DVT_PROFILES_DIR" not in known:
                param.envvar = ["DVT_PROFILES_DIR", *known]
                param.default = _default_profiles_dir


def _default_profiles_dir() -> Any:
    return profiles_dir_option(click.get_current_context(silent=True))
