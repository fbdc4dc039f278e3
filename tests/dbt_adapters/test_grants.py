"""Grants."""

from __future__ import annotations

from dbt.tests.adapter.grants.test_incremental_grants import BaseIncrementalGrants
from dbt.tests.adapter.grants.test_invalid_grants import BaseInvalidGrants
from dbt.tests.adapter.grants.test_model_grants import BaseModelGrants
from dbt.tests.adapter.grants.test_seed_grants import BaseSeedGrants
from dbt.tests.adapter.grants.test_snapshot_grants import BaseSnapshotGrants


class TestIncrementalGrants(BaseIncrementalGrants): ...


class TestInvalidGrants(BaseInvalidGrants):
    def grantee_does_not_exist_error(self):
        return "Can't find any matching row in the user table"

    def privilege_does_not_exist_error(self):
        return "You have an error in your SQL syntax"


class TestModelGrants(BaseModelGrants): ...


class TestSeedGrants(BaseSeedGrants): ...


class TestSnapshotGrants(BaseSnapshotGrants): ...
