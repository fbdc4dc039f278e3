"""fake-gcs-server, an emulator of Google Cloud Storage, on a free loopback port, while a `with` lasts."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.databases.ports import start_on_free_port
from tests.stores.programs import await_answer, launch, program, server_folder, stop


@dataclass
class FakeGCS:
    """A running server. It checks no credentials and knows no permissions."""

    port: int
    process: subprocess.Popen[bytes]
    scheme: str = "http"
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def endpoint(self) -> str:
        """The server's URL."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def settings(self, bucket: str, **overrides: Any) -> dict[str, Any]:
        """Return the keys of an entry in buckets.yml."""
        keys = {"bucket": bucket, "endpoint": self.endpoint, "anonymous": True, "timeout": 60}
        return keys | overrides

    def client(self, verify: str | bool = True) -> Any:
        """Return a client of the server."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        options = {"api_endpoint": self.endpoint}
        client = storage.Client("tests", credentials=AnonymousCredentials(), client_options=options)
        client._http.request = partial(client._http.request, verify=verify)
        return client

    def new_bucket(self) -> str:
        """Make an empty bucket, and return its name."""
        name = f"bucket-{next(self._numbers)}"
        self.client().create_bucket(name)
        return name


@contextmanager
def fake_gcs(certificates: Path | None = None) -> Iterator[FakeGCS]:
    """Run a new server; with TLS where there is a folder of certificates. Remove it at the end."""
    scheme = "https" if certificates else "http"
    with server_folder("gcs") as folder:
        server = start_on_free_port(
            lambda port: FakeGCS(port, _launch(folder, port, scheme, certificates), scheme)
        )
        try:
            yield server
        finally:
            stop(server.process)


def _launch(folder: Path, port: int, scheme: str, certificates: Path | None) -> subprocess.Popen[bytes]:
    address = f"{scheme}://127.0.0.1:{port}"
    command = [
        str(program("fake-gcs-server")),
        *("-scheme", scheme, "-host", "127.0.0.1", "-port", str(port), "-log-level", "error"),
        *("-external-url", address, "-public-host", f"127.0.0.1:{port}"),
        *("-backend", "filesystem", "-filesystem-root", str(folder / "data")),
    ]
    if certificates:
        command += ["-cert-location", str(certificates / "public.crt")]
        command += ["-private-key-location", str(certificates / "private.key")]
    return await_answer(launch(command, folder), f"{address}/_internal/healthcheck", folder)
