"""Wires `dvt explain`: the bridge compiles nodes and requests plans, the federation writes them as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def command() -> click.Command:
    """Make the click command."""
    from dvt.dbt_bridge.commands.explain import make_command
    from dvt.federation.explain import FORMATS

    return make_command(FORMATS)
