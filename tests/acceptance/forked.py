"""Runs `dvt` commands as forks of one process that has imported dbt: imports take longer than most commands.

A fork has a session, an environment and files of its own, and ends as any command does. It does not show
whether modules import what they need by themselves: the commands that tests start, and those of the docs, do.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

_PRELOADED = (
    "dvt.cli.main",
    "dvt.app.interrupts",
    "dvt.app.operations",
    "dvt.app.federation",
    "dvt.dbt_bridge.entry.invoke",
    "dbt.cli.main",
    "dbt.task.build",
    "duckdb",
    "psutil",
    "sqlparse",
)
"""Modules that most commands import."""
_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(list(_PRELOADED))


def run(args: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float) -> tuple[int, str]:
    """Run a command to its end; return its exit code, and what it wrote to standard output and error.

    After `timeout` seconds the command and its children are killed, and TimeoutError tells what it wrote.
    """
    with tempfile.NamedTemporaryFile(prefix="dvt-output-") as output:
        process = _FORKS.Process(target=_command, args=(tuple(args), folder, dict(environment), output.name))
        process.start()
        process.join(timeout)
        hangs = process.exitcode is None
        if hangs:
            os.killpg(process.pid or 0, signal.SIGKILL)
            process.join()
        code = process.exitcode or 0
        process.close()
        text = Path(output.name).read_text()
    if hangs:
        raise TimeoutError(text)
    return code, text


def _command(args: Sequence[str], folder: Path, environment: Mapping[str, str], output: str) -> None:
    from dvt.cli.main import main

    os.setsid()
    nothing, file = os.open(os.devnull, os.O_RDONLY), os.open(output, os.O_WRONLY | os.O_APPEND)
    for opened, stream in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(opened, stream)
    os.close(nothing)
    os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # of the environment that was
    sys.argv = ["dvt", *args]
    try:
        main()
    finally:
        atexit._run_exitfuncs()  # which multiprocessing leaves out
