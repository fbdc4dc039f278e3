"""The rest of the suite that applies: changes of kinds and schemas, hooks, contracts, unit tests, docs."""

from __future__ import annotations

from dbt.tests.adapter.concurrency.test_concurrency import BaseConcurrency
from dbt.tests.adapter.empty.test_empty import BaseTestEmpty, BaseTestEmptyInlineSourceRef
from dbt.tests.adapter.ephemeral.test_ephemeral import BaseEphemeralErrorHandling
from dbt.tests.adapter.incremental.test_incremental_on_schema_change import BaseIncrementalOnSchemaChange
from dbt.tests.adapter.incremental.test_incremental_unique_id import BaseIncrementalUniqueKey
from dbt.tests.adapter.query_comment.test_query_comment import BaseQueryComments
from dbt.tests.adapter.relations.test_changing_relation_type import BaseChangeRelationTypeValidator
from dbt.tests.adapter.relations.test_dropping_schema_named import BaseDropSchemaNamed
from dbt.tests.adapter.simple_snapshot.test_snapshot import BaseSimpleSnapshot, BaseSnapshotCheck
from dbt.tests.adapter.unit_testing.test_case_insensitivity import BaseUnitTestCaseInsensivity
from dbt.tests.adapter.unit_testing.test_invalid_input import BaseUnitTestInvalidInput


class TestChangeRelationTypeValidator(BaseChangeRelationTypeValidator): ...


class TestDropSchemaNamed(BaseDropSchemaNamed): ...


class TestQueryComments(BaseQueryComments): ...


class TestEmpty(BaseTestEmpty): ...


class TestEmptyInlineSourceRef(BaseTestEmptyInlineSourceRef): ...


class TestConcurrency(BaseConcurrency): ...


class TestEphemeralErrorHandling(BaseEphemeralErrorHandling): ...


class TestIncrementalOnSchemaChange(BaseIncrementalOnSchemaChange): ...


class TestIncrementalUniqueKey(BaseIncrementalUniqueKey): ...


class TestSimpleSnapshot(BaseSimpleSnapshot): ...


class TestSnapshotCheck(BaseSnapshotCheck): ...


class TestUnitTestCaseInsensivity(BaseUnitTestCaseInsensivity): ...


class TestUnitTestInvalidInput(BaseUnitTestInvalidInput): ...
