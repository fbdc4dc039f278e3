"""An application that serves a project, and clients of each role."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.access import Role
from dvt.core.retention import Asking
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.system import System
from dvt.web.access.callers import Access
from dvt.web.app import create_app
from dvt.web.project import Project
from tests.unit.lifecycle.projects import Project as Files

with warnings.catch_warnings():
    # It wants another name for its own dependency, which has it from httpx still.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

HOST = "http://localhost"


class Served:
    """A project with files, its application, and its callers."""

    def __init__(self, folder: Path, **access: Any) -> None:
        self.files = Files(folder)
        list(begin(folder, None, lambda: System(load_lifecycle(folder))))
        self.project = Project(folder)
        self.access = Access(self.project, **access)
        self.app = create_app(self.project, self.access)
        self.tokens = {role: self.token(role.value, role) for role in Role}

    def token(self, name: str, role: Role) -> str:
        """Make a token."""
        return self.project.store().tokens.add(name, role, Asking(actor="test"))[0]

    def client(self, role: Role | None = None, **options: Any) -> TestClient:
        """Return a client with a token of a role, or without one."""
        client = TestClient(self.app, base_url=HOST, follow_redirects=False, **options)
        if role is not None:
            client.headers["Authorization"] = f"Bearer {self.tokens[role]}"
        return client

    def notes(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what is on record beside runs: actor and details of each request."""
        events = self.project.store().records.events()
        return [(event.asking.actor, dict(event.details)) for event in events if event.key == "request"]
