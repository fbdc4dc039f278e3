"""Wires `dvt explain`: the bridge compiles and asks for plans, the federation says how a plan reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def command() -> click.Command:
    """The click command."""
    from dvt.dbt_bridge.commands.explain import make_command
    from dvt.federation.explain import FORMATS

    return make_command(FORMATS)
