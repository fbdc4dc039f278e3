"""`tokens`: who may use the API, and as what."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from dvt.cli.lifecycle.options import AS_JSON, echo_json, echo_lines, opened, project, until
from dvt.core.commands import examples_text


@click.group("tokens")
def tokens() -> None:
    """Make and revoke the tokens by which programs use the API."""


@tokens.command(
    "add",
    epilog=examples_text(
        "dvt lifecycle tokens add grafana --role viewer",
        "dvt lifecycle tokens add ana --role operator --until 2026-12-31",
    ),
)
@project
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["viewer", "operator", "admin"]),
    required=True,
    help="viewer: reads. operator: also runs, restores and pins. admin: also changes policies and tokens.",
)
@until("revoked")
@AS_JSON
def add(project_dir: Path, config: Path | None, name: str, as_json: bool, **asked: Any) -> None:
    """Make a token, and print it: it is stored as a hash alone, so nobody can show it again."""
    from dvt.core.access import Role
    from dvt.lifecycle.reports import tokens as reports

    with opened(project_dir, config) as system:
        secret, token = system.store.tokens.add(
            name, Role(asked["role"]), system.asking(), until=asked["until"]
        )
        if as_json:
            echo_json({**reports.as_object(token), "secret": secret})
            return
        click.echo(f"token {token.id} of {name}, {token.role}; keep it, it cannot be shown again:", err=True)
        click.echo(secret)


@tokens.command("list")
@project
@AS_JSON
def list_tokens(project_dir: Path, config: Path | None, as_json: bool) -> None:
    """Show whose tokens are valid."""
    from dvt.lifecycle.reports import tokens as reports

    with opened(project_dir, config) as system:
        valid = system.store.tokens.valid()
        if as_json:
            echo_json([reports.as_object(token) for token in valid])
        else:
            echo_lines(reports.as_lines(valid))


@tokens.command("revoke")
@project
@click.argument("name")
def revoke(project_dir: Path, config: Path | None, name: str) -> None:
    """Revoke the token of an id, or all of a name."""
    with opened(project_dir, config) as system:
        revoked = system.store.tokens.revoke(name, system.asking())
        if not revoked:
            click.echo(f"there is no token {name}", err=True)
            sys.exit(1)
        echo_lines(f"revoked token {token.id} of {token.name}" for token in revoked)
