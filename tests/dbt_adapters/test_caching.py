"""The cache of relations."""

from __future__ import annotations

from dbt.tests.adapter.caching.test_caching import (
    BaseCachingLowercaseModel,
    BaseCachingSelectedSchemaOnly,
    BaseCachingUppercaseModel,
    BaseNoPopulateCache,
)
from dbt.tests.util import run_dbt


class NoDatabase:
    def run_and_inspect_cache(self, project, run_args=None):
        """As the suite does it, but for the database, which is None."""
        found = []
        for _ in range(2):
            run_dbt(run_args)
            (relation,) = project.adapter.cache.relations
            found.append((relation.schema, relation.identifier))
        assert found[0] == found[1]
        assert found[0][0] == project.test_schema


class TestCachingLowercaseModel(NoDatabase, BaseCachingLowercaseModel): ...


class TestCachingUppercaseModel(NoDatabase, BaseCachingUppercaseModel): ...


class TestCachingSelectedSchemaOnly(NoDatabase, BaseCachingSelectedSchemaOnly): ...


class TestNoPopulateCache(NoDatabase, BaseNoPopulateCache): ...
