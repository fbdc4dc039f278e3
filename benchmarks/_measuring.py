"""Measures CPU seconds and memory of processes, as Linux counts them."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")
"""Ticks of a second, in which /proc counts CPU time."""


def cpu(pid: int) -> float:
    """Return the CPU seconds of a process, its live children and those that have ended."""
    seconds = 0.0
    for process in [pid, *_children(pid)]:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ended = fields[13:15] if process == pid else []
        seconds += sum(int(ticks) for ticks in [*fields[11:13], *ended]) / _TICKS
    return seconds


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text().split()] if tasks.exists() else []


class Meter:
    """Measures CPU seconds of servers and of this process's children, and wall seconds."""

    def __init__(self, servers: Sequence[Any]) -> None:
        self._servers = servers
        self._started = time.perf_counter()
        self._before = self._now()

    def _now(self) -> list[float]:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return [used.ru_utime + used.ru_stime, *(cpu(server.process.pid) for server in self._servers)]

    def seconds(self) -> float:
        """Return all CPU seconds so far."""
        return sum(now - before for now, before in zip(self._now(), self._before, strict=True))

    def read(self) -> tuple[float, str]:
        """Return all CPU seconds so far, and the figures for people."""
        tool, *servers = [now - before for now, before in zip(self._now(), self._before, strict=True)]
        wall = time.perf_counter() - self._started
        total = tool + sum(servers)
        parts = "   ".join(f"{part:5.1f}" for part in servers)
        return total, f"CPU {total:6.1f} s (tool {tool:5.1f}, servers {parts})   wall {wall:6.1f} s"


def peak(process: subprocess.Popen[str], peaks: list[int]) -> None:
    """Add a process's peak memory in kB to `peaks` every 0.05 s until it ends."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        try:
            line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            return
        peaks.append(int(line.split()[1]))
        time.sleep(0.05)
