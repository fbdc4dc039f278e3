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
        """Do as the suite does, but expect no database in the cached relations."""
        cached = []
        for _ in range(2):
            run_dbt(run_args)
            (relation,) = project.adapter.cache.relations
            cached.append((relation.schema, relation.identifier))
        assert cached[0] == cached[1]
        assert cached[0][0] == project.test_schema


class TestCachingLowercaseModel(NoDatabase, BaseCachingLowercaseModel): ...


class TestCachingUppercaseModel(NoDatabase, BaseCachingUppercaseModel): ...


class TestCachingSelectedSchemaOnly(NoDatabase, BaseCachingSelectedSchemaOnly): ...


class TestNoPopulateCache(NoDatabase, BaseNoPopulateCache): ...
