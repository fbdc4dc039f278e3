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


class Contexts:
    """Hook contexts of MariaDB, rewritten to the PostgreSQL target that the suite expects."""

    def get_ctx_vars(self, *args, **kwargs):
        variables = super().get_ctx_vars(*args, **kwargs)
        for context in variables if isinstance(variables, list) else [variables]:
            assert context["target_type"] == "mariadb"
            assert context["target_user"] == "dbt"
            context |= {"target_type": "postgres", "target_user": "root"}
        return variables

    def check_hooks(self, state, project, host, *args, **kwargs):
        super().check_hooks(state, project, project.adapter.config.credentials.host, *args, **kwargs)


class TestPrePostModelHooks(Contexts, BasePrePostModelHooks): ...


class TestHookRefs(Contexts, BaseHookRefs): ...


class TestPrePostModelHooksOnSeeds(BasePrePostModelHooksOnSeeds): ...


class TestHooksRefsOnSeeds(BaseHooksRefsOnSeeds): ...


class TestPrePostModelHooksOnSeedsPlusPrefixed(BasePrePostModelHooksOnSeedsPlusPrefixed): ...


class TestPrePostModelHooksOnSeedsPlusPrefixedWhitespace(
    BasePrePostModelHooksOnSeedsPlusPrefixedWhitespace
): ...


class TestPrePostModelHooksOnSnapshots(BasePrePostModelHooksOnSnapshots): ...


class TestPrePostModelHooksInConfig(Contexts, BasePrePostModelHooksInConfig): ...


class TestPrePostModelHooksInConfigWithCount(Contexts, BasePrePostModelHooksInConfigWithCount): ...


class TestPrePostModelHooksInConfigKwargs(Contexts, BasePrePostModelHooksInConfigKwargs): ...


class TestPrePostSnapshotHooksInConfigKwargs(BasePrePostSnapshotHooksInConfigKwargs): ...


class TestDuplicateHooksInConfigs(BaseDuplicateHooksInConfigs): ...


class TestPrePostRunHooks(Contexts, BasePrePostRunHooks):
    @pytest.fixture(autouse=True)
    def _no_database(self, project):
        """Name the database `None`, which is what Jinja renders where there is none."""
        project.database = "None"
        yield
        project.database = None


class TestAfterRunHooks(BaseAfterRunHooks): ...
