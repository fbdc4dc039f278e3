"""Writes the files that follow from the code; with --check it only names those that are stale."""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dvt.config.schemas import SCHEMAS
from dvt.core import errors
from dvt.federation.plan.proven.table import proof_table
from dvt.lifecycle.store.scripts import init_cleanup_sql

ROOT = Path(__file__).parent.parent

HEAD = """\
# Errors and warnings

<!-- Written by `make docs` from src/dvt/core/errors. -->

Every message starts with its code, names the node and its file where there is one, and ends with a
hint. The exit code is dbt's: 1 when nodes failed, 2 when nothing could run. Below, ‹words› stand for
the names of your project.
"""


def errors_page() -> str:
    """Return the page that lists every code."""
    parts = [HEAD, "## Warnings\n", "The run goes on.\n", "| Code | Meaning |\n|---|---|"]
    parts += [f"| {code} | {meaning} |" for code, meaning in sorted(errors.WARNINGS.items())]
    parts.append("\n## Errors\n")
    parts += [_entry(errors.DvtError.registry[code]) for code in sorted(errors.DvtError.registry)]
    return "\n".join(parts).rstrip() + "\n"


def _entry(error: type[errors.DvtError]) -> str:
    lines = [f"### {error.code}", "", inspect.cleandoc(error.__doc__ or ""), ""]
    sentence, hint = _message(error)
    if sentence:
        lines.append(f"> {sentence}")
    if hint:
        lines += [">", f"> *hint:* {hint}"]
    if error.transient:
        lines += ["", "Trying again later may work."]
    return "\n".join([*lines, ""])


def _message(error: type[errors.DvtError]) -> tuple[str, str]:
    """Return the sentence and the hint that the class builds, with names in place of values."""
    for call in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(error)))):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
            hint = next((word.value for word in call.keywords if word.arg == "hint"), None)
            sentence = "".join(_text(call.args[0])) if call.args else ""
            return sentence, "".join(_text(hint)) if hint else ""
    return "", ""


def _text(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.JoinedStr(values=values):
            for value in values:
                yield from _text(value)
        case ast.BoolOp(values=values):
            yield from _text(values[-1])
        case ast.IfExp(body=body, orelse=orelse):
            yield from _text(body)
            yield "; or: "
            yield from _text(orelse)
        case _:
            yield _piece(node)


def _piece(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return " ".join(text.split("\n"))
        case ast.Call(func=ast.Name(id="nearest")):
            return "did you mean ‹the closest name›? known: ‹all names›"
        case ast.Name(id="hint"):
            return ""
        case ast.FormattedValue(value=value):
            return f"‹{_name(value)}›"
        case _:
            return f"‹{_name(node)}›"


def _name(value: ast.expr) -> str:
    """Return the first name in an expression that is not a function's."""
    called = {id(call.func) for call in ast.walk(value) if isinstance(call, ast.Call)}
    for part in ast.walk(value):
        if isinstance(part, ast.Attribute) and id(part) not in called:
            return part.attr
        if isinstance(part, ast.Name) and id(part) not in called:
            return part.id
    return "…"


def options_table() -> str:
    """Return the options of every command, for completion in the shell: src/dvt/cli/options.json."""
    from dbt.cli.main import cli

    from dvt.app.commands import COMMANDS
    from dvt.app.federation import make_federator
    from dvt.dbt_bridge.entry.invoke import prepare

    prepare(make_federator, list(COMMANDS), COMMANDS)
    commands = dict(sorted(_commands("", cli)))
    rows = {
        path: [_row(option) for option in command.params if hasattr(option, "is_flag")]
        for path, command in commands.items()
    }
    options = sorted({json.dumps(row) for of_command in rows.values() for row in of_command})
    numbers = {path: sorted(options.index(json.dumps(row)) for row in rows[path]) for path in rows}
    summaries = {path: _summary(path, command) for path, command in commands.items() if path}
    tables = (_object("commands", numbers), _object("help", summaries))
    listed = ",\n  ".join(options)
    return "{\n" + "".join(tables) + f' "options": [\n  {listed}\n ]\n}}\n'


def _object(key: str, entries: Mapping[str, Any]) -> str:
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in entries.items())
    return f' "{key}": {{\n{lines}\n }},\n'


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(f"{path} {name}".strip(), child)


def _row(option: Any) -> dict[str, Any]:
    help_text = " ".join((option.help or "").split())
    return {
        "names": [*option.opts, *option.secondary_opts],
        "help": help_text.partition(". ")[0].rstrip("."),
        "flag": bool(option.is_flag),
        "choices": [str(choice) for choice in getattr(option.type, "choices", ())],
    }


def _summary(path: str, command: Any) -> str:
    from dvt.app.commands import COMMANDS

    return COMMANDS[path].summary if path in COMMANDS else str(command.get_short_help_str(limit=80))


TRANSLATION_HEAD = """\
# What is proven of {name}'s SQL in {engine}

<!-- Written by `make docs` from the table that `make proofs` writes. -->

A federated model in {name}'s dialect that {engine} computes is translated construct by construct. A construct
is proven for classes of arguments: `make proofs` has computed it over hostile values of these classes
({evaluations:,} values in all) on a live server and in {engine}, and every value and type agreed{types}.
Any other construct is an error (DVT123), unless the model says `translate: best_effort` (warning DVT003);
`compute: target` needs no translation.

Classes: {classes};
`literal …` is a text in the SQL that the database reads as that type. Constructs have SQLGlot's names;
`[a|b]` are arguments of which one type is found. A join with USING counts as proven where it merges columns
of one type, and where a `*` has them in front in any case; NATURAL JOIN does not.
"""

_CLASSES = {
    "duckdb": "`hugeint` is an integer of 128 bits, of which {engine} has those of 38 digits",
    "postgres": """`decimal` has the digits that its type names, `mixed` may have fewer (`coalesce(d, 0)`),
`quotient` has a computed number of them, of which {engine} keeps 20 behind the point""",
    "mysql": """`text` is compared byte by byte, `collated` by its column's collation, which
`collation: source` copies, `session text` by another one: of the session (numbers and dates as text),
or of the target's tables (text of other databases). A `quotient` has more digits than it shows
until it is stored (`stored quotient`); `unsigned`, `year`, `enum`, `bit` and `duration` (TIME) are classes
of their own""",
}
"""Dialect → what its classes are."""
_TYPES = {
    "mysql": """;
only sizes may differ: an integer may be wider than on the server, a decimal have more digits before the
point, and a datetime more digits of a second"""
}
"""Dialect → exceptions from the equality of types."""


def translation_page(dialect: str, name: str, engine: str = "DuckDB") -> Callable[[], str]:
    """Return a function that gives the page of a dialect in an engine."""

    def page() -> str:
        table = proof_table(engine.lower(), dialect)
        assert table is not None
        groups: dict[str, list[str]] = defaultdict(list)
        for key in table.results:
            construct = re.split(r"[(\[.]", key)[0] if not key.startswith("Select.") else "Select"
            groups[construct].append(key)
        parts = [
            TRANSLATION_HEAD.format(
                name=name,
                engine=engine,
                evaluations=table.evaluations,
                types=_TYPES.get(dialect, ""),
                classes=_CLASSES[dialect].replace("{engine}", engine),
            ),
            "## Proven\n",
        ]
        parts += ["| Construct | Proven for |", "|---|---|"]
        parts += [f"| {construct} | {_cell(sorted(keys))} |" for construct, keys in sorted(groups.items())]
        parts += ["\n## Proven, with a difference in errors\n", "| Construct | Difference |", "|---|---|"]
        parts += [f"| {_code(key)} | {_escaped(limit)} |" for key, limit in sorted(table.limits.items())]
        parts += ["\n## Known to differ: refused\n", "| Construct | First difference |", "|---|---|"]
        parts += [f"| {_code(key)} | {_escaped(text)} |" for key, text in sorted(table.differs.items())]
        return "\n".join(parts) + "\n"

    return page


def _cell(keys: list[str]) -> str:
    return ", ".join(_code(key) for key in keys)


def _code(key: str) -> str:
    return f"`{_escaped(key)}`"


def _escaped(text: str) -> str:
    shown = "".join(character if character.isprintable() else "·" for character in text)
    return shown.replace("|", "\\|").replace("<", "&lt;")


def schema(name: str) -> Callable[[], str]:
    """Return a function that gives the JSON Schema of a file that only dvt reads."""
    return lambda: json.dumps(SCHEMAS[name](), indent=1, ensure_ascii=False) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "config/postgres/init_cleanup.sql": init_cleanup_sql,
    "docs/reference/buckets.schema.json": schema("buckets"),
    "docs/reference/computes.schema.json": schema("computes"),
    "docs/reference/errors.md": errors_page,
    "docs/reference/translation-postgres.md": translation_page("postgres", "PostgreSQL"),
    "docs/reference/translation-mysql.md": translation_page("mysql", "MariaDB"),
    "docs/reference/translation-postgres-spark.md": translation_page("postgres", "PostgreSQL", "Spark"),
    "docs/reference/translation-mysql-spark.md": translation_page("mysql", "MariaDB", "Spark"),
    "docs/reference/translation-duckdb-spark.md": translation_page("duckdb", "DuckDB", "Spark"),
    "src/dvt/cli/options.json": options_table,
}
"""File that is written from the code → its text."""


def main(arguments: list[str]) -> int:
    """Write the files; with --check only compare them."""
    stale = [name for name, page in PAGES.items() if _read(ROOT / name) != page()]
    if "--check" in arguments:
        for name in stale:
            print(f"{name} is stale: run make docs")
        return 1 if stale else 0
    for name in stale:
        (ROOT / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"wrote {name}")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
