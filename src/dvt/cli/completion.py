"""Completes commands, options and names in the shell, without importing dbt.

`options.json` has the options of every command; `make docs` writes it. Names of nodes are read from
target/manifest.json, those of outputs from profiles.yml.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypedDict

import click
from click.shell_completion import CompletionItem, shell_complete

VARIABLE = "_DVT_COMPLETE"
"""Environment variable by which a shell asks for completions, or for the script that makes it ask."""
OPTIONS = Path(__file__).with_name("options.json")
"""File with the options of every command."""
MANIFEST_LIMIT = 50_000_000
"""Bytes of a manifest.json above which names of nodes are not completed: reading it would take seconds."""

_SELECTING = {"--select", "-s", "--models", "--model", "-m", "--exclude"}
"""Options that take any number of names of nodes."""
_SELECTABLE = {"model", "seed", "snapshot", "analysis"}
"""Resource types whose names are completed."""
_GRAPH_OPERATORS = re.compile(r"^(@|\d*\+)?")
"""Matches what may stand before a node's name in a selection."""
Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
"""Returns the completions of an incomplete word."""


class OptionRow(TypedDict):
    """An option in options.json."""

    names: list[str]
    help: str
    flag: bool
    """Whether it takes no value."""
    choices: list[str]
    """Its values, if it has only some."""


class Table(TypedDict):
    """The content of options.json."""

    commands: dict[str, list[int]]
    """Command, e.g. `docs generate`, or nothing for `dvt` itself → the places of its options in `options`."""
    help: dict[str, str]
    """Command → one line about it."""
    options: list[OptionRow]


def answer(instruction: str) -> int:
    """Print the shell's script, or completions of the words that the shell passes; return the exit code."""
    return shell_complete(_commands(), {}, "dvt", VARIABLE, instruction)


def _commands() -> click.Group:
    """Return the command line with all commands and options, which can be completed but not run."""
    table: Table = json.loads(OPTIONS.read_text(encoding="utf-8"))
    made: dict[str, click.Command] = {}
    for path in sorted(table["commands"]):
        parent, _, name = path.rpartition(" ")
        is_group = any(other != path and other.startswith(f"{path} ".lstrip()) for other in table["commands"])
        make = click.Group if is_group else click.Command
        parameters = _parameters(table["options"][number] for number in table["commands"][path])
        made[path] = make(name, params=parameters, short_help=table["help"].get(path, ""))
        group = made.get(parent)
        if path and isinstance(group, click.Group):
            group.add_command(made[path])
    root = made[""]
    return root if isinstance(root, click.Group) else click.Group()


def _parameters(rows: Iterable[OptionRow]) -> list[click.Parameter]:
    parameters: list[click.Parameter] = []
    selects = False
    for row in rows:
        selects = selects or bool(_SELECTING & set(row["names"]))
        kind = click.Choice(row["choices"]) if row["choices"] else None
        complete = _values(row["names"])
        parameters.append(
            click.Option(
                row["names"], help=row["help"], is_flag=row["flag"], type=kind, shell_complete=complete
            )
        )
    if selects:
        parameters.append(click.Argument(["nodes"], nargs=-1, shell_complete=_more_nodes))
    return parameters


def _values(names: Iterable[str]) -> Completer | None:
    """Return a function that completes an option's value, None if there is none for it."""
    for options, complete in _COMPLETED:
        if options & set(names):
            return complete
    return None


def _more_nodes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a further node after `--select a`: click takes it for an argument."""
    words = os.environ.get("COMP_WORDS", "").split()
    typed = words[:-1] if incomplete else words
    options = [word for word in typed if word.startswith("-")]
    return _nodes(context, parameter, incomplete) if options and options[-1] in _SELECTING else []


def _nodes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    del parameter
    operator = _GRAPH_OPERATORS.match(incomplete)
    before = operator.group() if operator else ""
    try:
        file = _project(context) / "target" / "manifest.json"
        if file.stat().st_size > MANIFEST_LIMIT:
            return []
        nodes = json.loads(file.read_text(encoding="utf-8"))["nodes"].values()
        names = {node["name"] for node in nodes if node["resource_type"] in _SELECTABLE}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # it is not what dbt writes
        return []
    return [CompletionItem(before + name) for name in sorted(names) if (before + name).startswith(incomplete)]


def _outputs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    del parameter
    from dvt.config.profiles import profiles_dir

    project = _project(context)
    profile = _yaml(project / "dbt_project.yml").get("profile")
    folder = profiles_dir(project, context.params.get("profiles_dir"))
    section = _yaml(folder / "profiles.yml").get(profile)
    outputs = section.get("outputs") if isinstance(section, dict) else None
    return _starting(outputs if isinstance(outputs, dict) else (), incomplete)


def _computes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    del parameter
    return _starting({"duckdb", *_entries(context, "computes.yml", "computes")}, incomplete)


def _buckets(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    del parameter
    return _starting({"local", *_entries(context, "buckets.yml", "buckets", "outputs")}, incomplete)


def _entries(context: click.Context, name: str, *keys: str) -> list[str]:
    """Return the names of the entries that the project's profile has in a file of dvt's own."""
    from dvt.config.profiles import profiles_dir

    project = _project(context)
    profile = _yaml(project / "dbt_project.yml").get("profile")
    folders = (profiles_dir(project, context.params.get("profiles_dir")), Path.home() / ".dvt")
    files = (_yaml(folder / name) for folder in folders)
    section = next((file.get(profile) for file in files if file), None)
    entries = [section.get(key) for key in keys] if isinstance(section, dict) else []
    return [name for names in entries if isinstance(names, dict) for name in names]


def _starting(names: Iterable[Any], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in sorted(map(str, names)) if name.startswith(incomplete)]


def _yaml(file: Path) -> dict[Any, Any]:
    """Return a YAML file's mapping; an empty one if it cannot be read, since nobody sees an error here."""
    import yaml

    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _project(context: click.Context) -> Path:
    """Return the project's folder: that of --project-dir, else the one that dbt finds."""
    named = context.params.get("project_dir") or os.environ.get("DBT_PROJECT_DIR")
    if named:
        return Path(named)
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "dbt_project.yml").is_file()), here)


_COMPLETED: tuple[tuple[set[str], Completer], ...] = (
    (_SELECTING, _nodes),
    ({"--target", "-t"}, _outputs),
    ({"--compute", "-c"}, _computes),
    ({"--bucket"}, _buckets),
)
"""Options → the function that completes their values."""
