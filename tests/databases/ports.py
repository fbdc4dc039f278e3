"""Free loopback ports for the tests' servers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

_ATTEMPTS = 5
"""Ports tried before a server counts as not started."""

Started = TypeVar("Started")


class PortTaken(RuntimeError):
    """Another process took the port after it was found free."""


def free_port() -> int:
    """Return a loopback port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_on_free_port(start: Callable[[int], Started]) -> Started:
    """Call `start` with a free port; call it with another one while it raises PortTaken."""
    for _ in range(_ATTEMPTS - 1):
        with suppress(PortTaken):
            return start(free_port())
    return start(free_port())


def start_error(program: str, log: Path) -> RuntimeError:
    """Return the error of a server that did not start, with the end of its log."""
    text = log.read_text(errors="replace")[-2000:]
    error = PortTaken if "address already in use" in text.lower() else RuntimeError
    return error(f"{program} did not start: {text}")
