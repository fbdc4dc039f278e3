"""The commands of `dvt lifecycle`."""

from dvt.cli.lifecycle.group import command

__all__ = ["command"]
