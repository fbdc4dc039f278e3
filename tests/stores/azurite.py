"""Azurite, Azure's own emulator of Blob Storage, on a free loopback port, while a `with` lasts.

What it does is not always what Azure does: it takes `\\` for `/`, and cannot list control characters.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.databases.ports import start_on_free_port
from tests.stores.programs import await_answer, launch, program, server_folder, stop

_PROGRAM = "node_modules/azurite/dist/src/blob/main.js"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key of every Azurite, which its documentation gives."""


@dataclass
class Azurite:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    scheme: str = "http"
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def endpoint(self) -> str:
        """The server's URL."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def settings(self, container: str, **overrides: Any) -> dict[str, Any]:
        """Return the keys of an entry in buckets.yml."""
        keys = {"storage_account": ACCOUNT, "account_key": KEY, "endpoint": self.endpoint, "timeout": 60}
        return {"container": container} | keys | overrides

    def client(self, container: str = "", verify: str | bool = True) -> Any:
        """Return the library's client of the account, or of a container."""
        from azure.storage.blob import BlobServiceClient

        login = {"account_name": ACCOUNT, "account_key": KEY}
        url = f"{self.endpoint}/{ACCOUNT}"
        account = BlobServiceClient(url, credential=login, connection_verify=verify)
        return account.get_container_client(container) if container else account

    def new_bucket(self) -> str:
        """Make an empty container, and return its name."""
        name = f"container-{next(self._numbers)}"
        with self.client() as client:
            client.create_container(name)
        return name

    def signature(self, container: str, permission: str, minutes: float = 60) -> str:
        """Return a shared access signature of a container, which expires in so many minutes."""
        from azure.storage.blob import generate_container_sas

        expiry = datetime.now(UTC) + timedelta(minutes=minutes)
        return str(generate_container_sas(ACCOUNT, container, KEY, permission=permission, expiry=expiry))


@contextmanager
def azurite(certificates: Path | None = None) -> Iterator[Azurite]:
    """Run a new server; with TLS, and logins without keys, where there is a folder of certificates."""
    scheme = "https" if certificates else "http"
    with server_folder("azurite") as folder:
        server = start_on_free_port(lambda port: Azurite(port, _launch(folder, port, certificates), scheme))
        try:
            yield server
        finally:
            stop(server.process)


def _launch(folder: Path, port: int, certificates: Path | None) -> subprocess.Popen[bytes]:
    command = ["node", str(program("azurite", _PROGRAM)), "--silent", "--disableTelemetry"]
    command += ["--skipApiVersionCheck", "--location", str(folder)]
    command += ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
    if certificates:
        command += ["--oauth", "basic", "--cert", str(certificates / "public.crt")]
        command += ["--key", str(certificates / "private.key")]
    scheme = "https" if certificates else "http"
    address = f"{scheme}://127.0.0.1:{port}/"
    return await_answer(launch(command, folder), address, folder, HTTPStatus.BAD_REQUEST)
