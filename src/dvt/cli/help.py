"""A command's help, kept after the first time: dbt needs seconds to tell what it always tells alike."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from dvt import __version__
from dvt.app.commands import COMMANDS, help_version

FLAGS = {"-h", "--help"}


def asked(args: Sequence[str]) -> tuple[str, ...] | None:
    """The command whose help is asked for and nothing else, e.g. `("docs", "generate")`; else None."""
    if len(args) in {2, 3} and args[-1] in FLAGS and args[0] in COMMANDS:
        rest = args[1:-1]
        return None if any(one.startswith("-") for one in rest) else tuple(args[:-1])
    return None


def kept(command: Sequence[str]) -> str | None:
    """The help as it was told before, by the same versions and for the same width."""
    try:
        return _file(command).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def keep(command: Sequence[str], text: str) -> None:
    """Keep it for next time; a home that cannot be written is no reason to fail."""
    with suppress(OSError):
        file = _file(command)
        file.parent.mkdir(parents=True, exist_ok=True)
        written = file.with_suffix(f".{os.getpid()}")
        written.write_text(text, encoding="utf-8")
        written.replace(file)


def _file(command: Sequence[str]) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    width = min(shutil.get_terminal_size().columns, 80)
    known = f"{__version__}-{version('dbt-core')}-{width}-{help_version()}"
    return cache / "dvt" / f"help-{known}" / f"{'-'.join(command)}.txt"
