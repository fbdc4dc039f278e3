"""A real MinIO on a free loopback port, in a folder of its own, for as long as a `with` lasts."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.databases.ports import start_on_free_port
from tests.stores.programs import await_answer, launch, program, server_folder, stop

USER, PASSWORD = "dvt-tests", "pl4nted-s3cret/+minio"
DOMAIN = "store.test"
"""Names of hosts below it are buckets."""


@dataclass
class Minio:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    scheme: str = "http"
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _clients: dict[tuple[str, str | None], Any] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """The server's URL."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def settings(self, bucket: str, **overrides: Any) -> dict[str, Any]:
        """Return the keys of an entry in buckets.yml."""
        return {
            "bucket": bucket,
            "endpoint": self.endpoint,
            "access_key_id": USER,
            "secret_access_key": PASSWORD,
            "timeout": 60,
        } | overrides

    def client(self, service: str = "s3", verify: str | None = None) -> Any:
        """Return a client of the server's owner."""
        import boto3

        if (service, verify) not in self._clients:
            session = boto3.session.Session(aws_access_key_id=USER, aws_secret_access_key=PASSWORD)
            self._clients[service, verify] = session.client(
                service, endpoint_url=self.endpoint, region_name="us-east-1", verify=verify
            )
        return self._clients[service, verify]

    def new_bucket(self) -> str:
        """Make an empty bucket, and return its name."""
        name = f"bucket-{next(self._numbers)}"
        self.client().create_bucket(Bucket=name)
        return name

    def keys_for(self, *actions: str) -> dict[str, Any]:
        """Return the keys of credentials that allow these actions only."""
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": ["arn:aws:s3:::*"]}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        role = {"RoleArn": "arn:aws:iam::123456789012:role/any", "RoleSessionName": "tests"}
        keys = self.client("sts").assume_role(**role, Policy=policy)["Credentials"]
        return {
            "access_key_id": keys["AccessKeyId"],
            "secret_access_key": keys["SecretAccessKey"],
            "session_token": keys["SessionToken"],
        }


@contextmanager
def minio(certificates: Path | None = None) -> Iterator[Minio]:
    """Run a new server; with TLS where there is a folder of certificates. Remove it at the end."""
    with server_folder("minio") as folder:
        scheme = "https" if certificates else "http"
        server = start_on_free_port(lambda port: Minio(port, _launch(folder, port, certificates), scheme))
        try:
            yield server
        finally:
            stop(server.process)


def _launch(folder: Path, port: int, certificates: Path | None) -> subprocess.Popen[bytes]:
    tls = ["--certs-dir", str(certificates)] if certificates else []
    command = [
        str(program("minio")),
        "server",
        "--quiet",
        "--anonymous",
        "--address",
        f"127.0.0.1:{port}",
        *tls,
        str(folder / "data"),
    ]
    environment: Mapping[str, str] = {
        "HOME": str(folder),
        "MINIO_ROOT_USER": USER,
        "MINIO_ROOT_PASSWORD": PASSWORD,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        "MINIO_CALLHOME_ENABLE": "off",
        "MINIO_DOMAIN": DOMAIN,
    }
    process = launch(command, folder, environment)
    scheme = "https" if certificates else "http"
    return await_answer(process, f"{scheme}://127.0.0.1:{port}/minio/health/live", folder)
