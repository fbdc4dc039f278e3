"""The application: the API, the page, and what guards both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from dvt.web import answers, api, pages
from dvt.web.access import login
from dvt.web.access.callers import Access
from dvt.web.api.document import describe
from dvt.web.guard import Guard
from dvt.web.metrics import Requests
from dvt.web.project import Project
from dvt.web.recording import Recording


def create_app(
    project: Project, access: Access | None = None, *, hosts: Collection[str] = (), open_metrics: bool = False
) -> FastAPI:
    """Return the application that serves a project, which it closes at its end.

    Args:
        project: what is served.
        access: decides who may ask what; without it, only callers with a token.
        hosts: names by which others reach this server, beside this machine's own.
        open_metrics: `/metrics` needs no token.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        project.close()

    app = FastAPI(
        title="dvt lifecycle",
        version=version("dvt-engine"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.project = project
    app.state.access = access or Access(project)
    app.state.open_metrics = open_metrics
    app.state.requests = Requests()
    answers.install(app)
    app.include_router(api.router)
    app.include_router(login.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=pages.STATIC), name="static")
    describe(app)
    app.add_middleware(Recording, project=project, access=app.state.access, requests=app.state.requests)
    app.add_middleware(Guard, hosts=hosts)
    return app


_DESCRIPTION = """\
What a project's runs leave behind: what is due, plans, runs, backups, policies, and the record of it all.

Send a token as `Authorization: Bearer TOKEN`. Roles: `viewer` reads, `operator` runs and restores, `admin`
changes policies and tokens. Moments are ISO 8601 in UTC, sizes bytes. Every error is
`{"error": {"code", "message", "hint"}}`.
"""
