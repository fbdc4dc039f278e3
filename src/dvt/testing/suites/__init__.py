"""Classes of tests to inherit, one for each port: a subclass gives the fixtures that its docstring names."""

from __future__ import annotations

import pytest

# Before the modules are imported: else their asserts say nothing when they fail.
pytest.register_assert_rewrite("dvt.testing.suites.buckets", "dvt.testing.suites.engines")

from dvt.testing.suites.buckets import BucketSuite, LocalConsumerSuite  # noqa: E402
from dvt.testing.suites.engines import EngineSuite  # noqa: E402

__all__ = ["BucketSuite", "EngineSuite", "LocalConsumerSuite"]
