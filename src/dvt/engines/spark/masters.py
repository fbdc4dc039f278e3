"""Where Spark computes, by the text of `master`: on this machine, or on a cluster of one of three kinds."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from dvt.core.errors import ClusterUnreachable

_LOCAL = re.compile(r"local(\[(\*|\d+)\])?")
"""Matches a master that is the driver's own process."""
_HOST = r"(?:\[[0-9a-fA-F:]+\]|[^\s:,/\[\]@]+):\d+"
_STANDALONE = re.compile(rf"spark://({_HOST}(?:,{_HOST})*)")
"""Matches the masters of a standalone cluster, of which one leads."""
_OTHERS = re.compile(rf"yarn|k8s://(https?://)?{_HOST}/?")
_KNOCK_SECONDS = 10
"""Seconds that a master has to accept a connection."""
_LOOPBACK = "127.0.0.1"
HINT = (
    "should be local[*], or a number of cores such as local[2]; spark://host:7077 of a standalone cluster;"
    " yarn; or k8s://https://host:443"
)
"""What a master should be."""


@dataclass(frozen=True, slots=True)
class Master:
    """A value of `master`."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Master:
        """Return the master; ValueError if Spark has none that is written so."""
        if not any(form.fullmatch(text) for form in (_LOCAL, _STANDALONE, _OTHERS)):
            raise ValueError(HINT)
        return cls(text)

    @property
    def is_local(self) -> bool:
        """True if Spark computes in the driver's own process."""
        return _LOCAL.fullmatch(self.text) is not None

    @property
    def hosts(self) -> Sequence[tuple[str, int]]:
        """Hosts and ports of the masters of a standalone cluster; empty for other kinds."""
        match = _STANDALONE.fullmatch(self.text)
        pairs = [address.rpartition(":") for address in match[1].split(",")] if match else []
        return [(host.strip("[]"), int(port)) for host, _, port in pairs]

    def knock(self, compute: str) -> None:
        """Connect to the masters of a standalone cluster; ClusterUnreachable if none accepts.

        Spark itself would try for a minute.
        """
        problem = ""
        for at in self.hosts:
            try:
                socket.create_connection(at, _KNOCK_SECONDS).close()
            except OSError as error:
                problem = error.strerror or str(error)
            else:
                return
        if problem:
            raise ClusterUnreachable(compute, self.text, problem)

    def own_address(self) -> str | None:
        """Return the address of this machine at which workers reach it; None if Spark is to find it."""
        if self.is_local:
            return _LOOPBACK
        for host, port in self.hosts:
            with suppress(OSError):
                return _address_towards(host, port)
        return None


def _address_towards(host: str, port: int) -> str:
    """Return the address from which this machine would send to a host; nothing is sent."""
    family, kind, _, _, at = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as probe:
        probe.connect(at)
        return str(probe.getsockname()[0])
