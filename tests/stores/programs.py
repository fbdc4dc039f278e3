"""The programs of servers and for pages, which scripts in tools/ have put into a cache."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.databases.ports import start_error

_START_TIMEOUT = 60.0
"""Seconds until a server that does not answer counts as not started."""
_ENOUGH_MEMORY = 6 * 2**30
"""Bytes that must be free in memory for a server to have its folder there."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dvt-test-servers"


def program(name: str, file: str = "") -> Path:
    """Return the path of a program, or of a file of it; skip the test where it could not be had."""
    found = sorted(CACHE.glob(f"{name}-*/{file or name}"))
    if not found:
        missing(f"{name} is not in {CACHE}: `make test`, which puts it there, says why")
    return found[-1]


def missing(reason: str) -> NoReturn:
    """Skip the test; with DVT_TEST_ALL_SERVERS, as in CI, nothing is skipped."""
    if os.environ.get("DVT_TEST_ALL_SERVERS"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def server_folder(name: str) -> Iterator[Path]:
    """Make a folder for a server, in memory where there is much: it need not outlive a power cut."""
    memory = Path("/dev/shm")
    is_large = memory.is_dir() and shutil.disk_usage(memory).free > _ENOUGH_MEMORY
    folder = Path(tempfile.mkdtemp(prefix=f"dvt-{name}-", dir=memory if is_large else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def launch(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a server that ends with the tests, however they end; its log is `folder / log`."""
    die_with_tests = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    with (folder / "log").open("ab") as output:
        return subprocess.Popen(
            [*die_with_tests, *command],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )


def await_answer(
    process: subprocess.Popen[bytes], url: str, folder: Path, status: int = http.client.OK
) -> subprocess.Popen[bytes]:
    """Return the process once the server answers with this status; raise if it does not start."""
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(url, status):
            return process
        time.sleep(0.05)
    stop(process)
    raise start_error(str(process.args), folder / "log")


def _answers(url: str, status: int) -> bool:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=5, context=trusting) as answer:
            return bool(answer.status == status)
    except urllib.error.HTTPError as answer:
        with answer:  # else its socket stays open until it is collected
            return answer.code == status
    except OSError:
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a server at once, whatever it does; its data is for nobody."""
    process.kill()
    process.wait()
