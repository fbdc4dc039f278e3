"""What tells the connections of a project apart, on all machines that stage in one bucket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from dvt.core.ports.bridge import RunContext
    from dvt.federation.resuming import ResumableConnections

_OF_THE_RUN = frozenset({"threads", "max_connections", "retries", "connect_timeout", "keepalives_idle"})
"""Settings of outputs that change no answer."""


def resumable_connections(context: RunContext, began: datetime) -> ResumableConnections | None:
    """Return where a run may take answers of runs that have failed, and leave some; None: nowhere."""
    from dvt.federation.resuming import ResumableConnections

    if not context.resume:
        return None
    return ResumableConnections(began=began, identity=resumable_identities(context))


def resumable_identities(context: RunContext) -> Callable[[str], str | None]:
    """Return a function that returns a connection's identity; None for one that the project may write to.

    Two connections of one identity give the same answers at the same moment: they have the same settings,
    but for secrets, and, unless a server of a full name is reached over a network, the same machine.
    """
    from dvt import __version__
    from dvt.app.connectors import database_reader
    from dvt.core.errors import DvtError

    database_of = database_reader(context.outputs)
    written: set[object] = set()
    for output in context.written or ():
        try:
            written.add(database_of(output))
        except DvtError:
            continue  # an output that has no settings cannot be written to
    known: dict[str, str | None] = {}

    def identity(name: str) -> str | None:
        if context.written is None or database_of(name) in written:
            return None
        if name not in known:
            known[name] = _identity(dict(context.outputs.output(name)), context.project_dir, __version__)
        return known[name]

    return identity


def _identity(settings: Mapping[str, Any], project_dir: Path, version: str) -> str:
    import hashlib

    from dvt.config.profile_values import SECRET_KEYS

    public = sorted(
        (key, repr(value))
        for key, value in settings.items()
        if key not in _OF_THE_RUN and not SECRET_KEYS.search(key)
    )
    host = str(settings.get("host") or settings.get("server") or "")
    # A path may be relative to the project's folder; a host's name without a dot is a machine's own.
    place: tuple[str, ...] = _machine() if host else (*_machine(), str(project_dir.resolve()))
    place = () if _is_far(host) else place
    return hashlib.sha256(repr((version, public, place)).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _is_far(host: str) -> bool:
    """True for a server that other machines reach by the same name."""
    is_local = host.startswith(("127.", "/")) or host in {"localhost.localdomain", "0.0.0.0"}  # noqa: S104
    return "." in host and not is_local


def _machine() -> tuple[str, str]:
    from dvt.runs.operations import Process

    process = Process.this()
    return process.host, process.boot
