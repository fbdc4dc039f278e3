"""Leaves tests out that do not apply, before they run: a line for each would hide those that are skipped."""

from __future__ import annotations

import pytest

from dvt.testing.suites.suite import Suite
from tests.databases import SERVERS, TARGETS

_NEEDS = {"server": SERVERS, "target": TARGETS}
"""Fixture of tests/conformance → names of the databases that have it."""


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take tests out that their suite, their database or their fixtures make no promise of."""
    left_out = [item for item in items if isinstance(item, pytest.Function) and not _applies(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = {id(item) for item in left_out}
        items[:] = [item for item in items if id(item) not in gone]


def _applies(item: pytest.Function) -> bool:
    suite = item.cls
    if isinstance(suite, type) and issubclass(suite, Suite) and item.originalname in suite.never:
        return False
    params = item.callspec.params if hasattr(item, "callspec") else {}
    name = params.get("database")
    if not isinstance(name, str):
        return True
    refused = any(name in mark.args for mark in item.iter_markers("never"))
    return not refused and all(
        name in names for fixture, names in _NEEDS.items() if fixture in item.fixturenames
    )
