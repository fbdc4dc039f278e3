"""Fixtures of all tests of the bridge; each of them has dbt parse and build projects in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def macros_parsed_once() -> Iterator[None]:
    """Parse each macro's text once, as dbt's own tests do: its 500 macros take longer than a project."""
    from dbt_common.tests import disable_test_caching, enable_test_caching

    enable_test_caching()
    yield
    disable_test_caching()


@pytest.fixture(scope="session", autouse=True)
def flags_without_a_search_for_their_module() -> Iterator[None]:
    """Let dbt not look for the module of each behavior flag: amid pytest's modules that takes 0.3 s each.

    dbt names it in an event alone.
    """
    from dbt_common.behavior_flags import BehaviorFlagRendered

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BehaviorFlagRendered, "_default_source", staticmethod(lambda: "dbt"))
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests slow; ignore dbt's own warnings of log files left open and of deprecated functions."""
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))
