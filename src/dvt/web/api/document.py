"""The OpenAPI document: with the bearer scheme, and errors as they are."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from dvt.web.access.gates import Viewer

_OPEN = frozenset({"/healthz"})
"""Addresses that need no token."""
_ERROR = "#/components/schemas/ErrorAnswer"
"""All errors are of this shape, also where an answer is no JSON."""


def describe(app: FastAPI) -> None:
    """Serve the document of an application at /openapi.json."""

    @app.get("/openapi.json", include_in_schema=False)
    def document(_call: Viewer) -> dict[str, Any]:
        """Describe every request."""
        return app.openapi()

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    made["components"].setdefault("securitySchemes", {})["token"] = {"type": "http", "scheme": "bearer"}
    for name in ("HTTPValidationError", "ValidationError"):
        made["components"]["schemas"].pop(name, None)
    for path, operations in made["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"])
            for status, answer in operation["responses"].items():
                if int(status) >= 400:  # noqa: PLR2004
                    answer["content"] = {"application/json": {"schema": {"$ref": _ERROR}}}
            operation["security"] = [] if path in _OPEN else [{"token": []}]
    return made


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that may be left out: there is no null in an address."""
    some = [of for of in schema.get("anyOf", ()) if of != {"type": "null"}]
    if len(some) != 1:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**rest, **some[0]}
