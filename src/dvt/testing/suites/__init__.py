"""Classes of tests to inherit, for each port: a subclass gives the fixtures that its docstring names."""

from __future__ import annotations

import pytest

_MODULES = ("buckets", "connectors", "engines", "loading", "pushdown", "servers", "suite")
# Before the modules are imported: else their asserts say nothing when they fail.
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _MODULES))

from dvt.testing.suites.buckets import BucketSuite, LocalConsumerSuite  # noqa: E402
from dvt.testing.suites.connectors import ConnectorSuite  # noqa: E402
from dvt.testing.suites.engines import EngineSuite  # noqa: E402
from dvt.testing.suites.loading import LoadingSuite  # noqa: E402
from dvt.testing.suites.servers import ServerLoadingSuite, ServerSuite  # noqa: E402
from dvt.testing.suites.suite import Suite  # noqa: E402

__all__ = [
    "BucketSuite",
    "ConnectorSuite",
    "EngineSuite",
    "LoadingSuite",
    "LocalConsumerSuite",
    "ServerLoadingSuite",
    "ServerSuite",
    "Suite",
]
