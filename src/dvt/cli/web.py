"""`dvt web`: serves the page and the API of a project."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dvt.cli.lifecycle.options import as_lifecycle, project, surroundings_of
from dvt.core.errors import AddressRefused

if TYPE_CHECKING:
    from fastapi import FastAPI

PORT = 8642
"""Where the page is, unless another port is asked for."""
_GRACE = 60
"""Seconds for which answers that are under way may go on when the server ends."""


def command() -> click.Command:
    """Make the click command."""
    return web


@click.command("web")
@project
@click.option("--host", default="127.0.0.1", help="Address to serve at; this machine's own, if left out.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, help=f"{PORT}; 0: one that is free.")
@click.option("--open/--no-open", "opens", default=False, help="Open the page in a browser, signed in.")
@click.option("--allow-others", is_flag=True, help="Serve at an address that other machines can reach.")
@click.option(
    "--allowed-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A name by which others reach this server; repeatable.",
)
@click.option(
    "--behind-proxy", is_flag=True, help="A proxy on this machine says who asks, and whether by https."
)
@click.option("--no-auth", is_flag=True, help="Let everybody on this machine do everything, without a token.")
@click.option("--open-metrics", is_flag=True, help="Serve /metrics without a token.")
def web(project_dir: Path, config: Path | None, host: str, port: int, **asked: Any) -> None:
    """Serve the page and the API: what runs do and did, what is due, policies, backups, and the record.

    It prints a link that signs in once, within ten minutes. Programs send a token: dvt lifecycle tokens add.
    """
    _refuse_address(host, allow_others=asked["allow_others"], no_auth=asked["no_auth"])
    with as_lifecycle(project_dir, config):
        from dvt.lifecycle.system import actor
        from dvt.web.access.callers import Access
        from dvt.web.app import create_app
        from dvt.web.project import Project
    served = Project(project_dir, config, surroundings_of(project_dir))
    access = Access(served, anybody=actor() if asked["no_auth"] else "")
    app = create_app(served, access, hosts=(host, *asked["hosts"]), open_metrics=asked["open_metrics"])
    with _bound(host, port) as listening:
        address = f"http://{_shown(host)}:{listening.getsockname()[1]}"
        _tell(served.name, address, host, asked)
        link = "" if asked["no_auth"] else f"{address}/login?link={_link(access)}"
        if link:
            click.echo(f"sign in, once and within 10 minutes: {link}")
        with _opened(link or address) if asked["opens"] else nullcontext():
            _serve(app, listening, behind_proxy=asked["behind_proxy"])


def _link(access: Any) -> str:
    from dvt.core.access import Role
    from dvt.lifecycle.system import actor

    secret: str = access.sessions.link(actor(), Role.ADMIN)
    return secret


def _tell(name: str, address: str, host: str, asked: dict[str, Any]) -> None:
    click.echo(f"{name} is served at {address}; Ctrl-C ends it")
    if asked["no_auth"]:
        click.echo("warning: whoever can use this machine can do everything, without a token", err=True)
    if not is_loopback(host) and not asked["behind_proxy"]:
        click.echo(
            "warning: other machines can reach this server, and tokens cross the network as they are: "
            "put a proxy with https before it",
            err=True,
        )


def _refuse_address(host: str, *, allow_others: bool, no_auth: bool) -> None:
    if is_loopback(host):
        return
    if no_auth:
        raise AddressRefused(host, "without tokens, anybody could delete files", "leave out --no-auth")
    if not allow_others:
        raise AddressRefused(host, "other machines could reach it", "add --allow-others if that is meant")


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """Listen at an address; AddressRefused says why that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        hint = "name another one by --port, or 0 for one that is free"
        raise AddressRefused(f"{_shown(host)}:{port}", error.strerror or str(error), hint) from error
    with listening:
        # Otherwise the second part of an answer waits for 40 ms for a sign that the first has come.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listening


@contextmanager
def _opened(link: str) -> Iterator[None]:
    """Open a page in a browser. The link is in a file: command lines can be read by everybody."""
    with tempfile.TemporaryDirectory(prefix="dvt-") as folder:
        file = Path(folder) / "open.html"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as page:
            page.write(f'<meta http-equiv="refresh" content="0; url={escape(link)}">')
        webbrowser.open(file.as_uri())
        yield


def _serve(app: FastAPI, listening: socket.socket, *, behind_proxy: bool) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ARG002
            """End once the run has, with those who watch it still connected; when asked twice, at once."""
            app.state.project.runs.close_soon()
            self.should_exit, self.force_exit = True, self.should_exit

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # addresses may contain a link that signs in
        proxy_headers=behind_proxy,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    try:
        Server(config).run(sockets=[listening])
    finally:
        app.state.project.close()
