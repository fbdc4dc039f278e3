"""Hooks, inside and outside of transactions."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbt.tests.adapter.hooks import fixtures
from dbt.tests.adapter.hooks.test_model_hooks import (
    BaseDuplicateHooksInConfigs,
    BaseHookRefs,
    BaseHooksRefsOnSeeds,
    BasePrePostModelHooks,
    BasePrePostModelHooksInConfig,
    BasePrePostModelHooksInConfigKwargs,
    BasePrePostModelHooksInConfigWithCount,
    BasePrePostModelHooksOnSeeds,
    BasePrePostModelHooksOnSeedsPlusPrefixed,
    BasePrePostModelHooksOnSeedsPlusPrefixedWhitespace,
    BasePrePostModelHooksOnSnapshots,
    BasePrePostSnapshotHooksInConfigKwargs,
)
from dbt.tests.adapter.hooks.test_run_hooks import BaseAfterRunHooks, BasePrePostRunHooks


@pytest.fixture(scope="module")
def test_data_dir():
    return Path(fixtures.__file__).parent / "data"


class TestPrePostModelHooks(BasePrePostModelHooks): ...


class TestHookRefs(BaseHookRefs): ...


class TestPrePostModelHooksOnSeeds(BasePrePostModelHooksOnSeeds): ...


class TestHooksRefsOnSeeds(BaseHooksRefsOnSeeds): ...


class TestPrePostModelHooksOnSeedsPlusPrefixed(BasePrePostModelHooksOnSeedsPlusPrefixed): ...


class TestPrePostModelHooksOnSeedsPlusPrefixedWhitespace(
    BasePrePostModelHooksOnSeedsPlusPrefixedWhitespace
): ...


class TestPrePostModelHooksOnSnapshots(BasePrePostModelHooksOnSnapshots): ...


class TestPrePostModelHooksInConfig(BasePrePostModelHooksInConfig): ...


class TestPrePostModelHooksInConfigWithCount(BasePrePostModelHooksInConfigWithCount): ...


class TestPrePostModelHooksInConfigKwargs(BasePrePostModelHooksInConfigKwargs): ...


class TestPrePostSnapshotHooksInConfigKwargs(BasePrePostSnapshotHooksInConfigKwargs): ...


class TestDuplicateHooksInConfigs(BaseDuplicateHooksInConfigs): ...


class TestPrePostRunHooks(BasePrePostRunHooks): ...


class TestAfterRunHooks(BaseAfterRunHooks): ...
