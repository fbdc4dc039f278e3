"""Servers of buckets for tests: each runs on a free loopback port, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

STORES: dict[str, str] = {
    "azurite": "tests.stores.azurite:azurite",
    "hdfs": "tests.stores.hdfs:hdfs",
    "minio": "tests.stores.minio:minio",
    "fake_gcs": "tests.stores.fake_gcs:fake_gcs",
}
"""Name → function that starts the server; the fixture `stores` starts each at most once."""


def load(name: str) -> Callable[[], AbstractContextManager[Any]]:
    """Import the function that starts the server of this name."""
    module, _, attribute = STORES[name].partition(":")
    opener: Callable[[], AbstractContextManager[Any]] = getattr(import_module(module), attribute)
    return opener
