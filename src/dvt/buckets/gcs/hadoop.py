"""The settings with which Google's connector for Hadoop reaches a bucket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dvt.buckets.gcs.settings import GCSSettings
from dvt.core.ports.staging import HadoopAccess

_FILE_SYSTEM = "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem"
ARTIFACT = "com.google.cloud.bigdataoss:gcs-connector:hadoop3-2.2.26:shaded"


def access(settings: GCSSettings) -> HadoopAccess:
    """Return how the connector reaches a bucket."""
    if settings.verify is not True:
        problem = "`verify` names certificates or trusts any, and Java trusts those in its own store"
        return HadoopAccess(problem=problem)
    login = _login(settings)
    if login is None:
        problem = (
            "only the key of a service account can be passed on, by credentials_path or credentials_json"
        )
        return HadoopAccess(problem=problem)
    place = {"fs.gs.storage.root.url": f"{settings.endpoint}/"} if settings.endpoint else {}
    return HadoopAccess(
        settings={"fs.gs.impl": _FILE_SYSTEM, **login, **place},
        file_system=_FILE_SYSTEM,
        artifact=ARTIFACT,
    )


def _login(settings: GCSSettings) -> dict[str, str] | None:
    """Return the settings of a login; empty for the workers' own, None for one that cannot be passed on."""
    if settings.anonymous:
        return {"fs.gs.auth.service.account.enable": "false", "fs.gs.auth.null.enable": "true"}
    key: Mapping[str, Any] | None = settings.credentials_json
    if settings.credentials_path:
        key = _read(Path(settings.credentials_path))
    if not key:
        return {}
    if key.get("type") != "service_account":
        return None
    return {
        "fs.gs.auth.service.account.enable": "true",
        "fs.gs.auth.service.account.email": str(key.get("client_email")),
        "fs.gs.auth.service.account.private.key.id": str(key.get("private_key_id")),
        "fs.gs.auth.service.account.private.key": str(key.get("private_key")),
    }


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {"type": "unreadable"}
