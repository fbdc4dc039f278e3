"""The rest of the suite."""

from __future__ import annotations

from dbt.tests.adapter.catalog.relation_types import CatalogRelationTypes
from dbt.tests.adapter.concurrency.test_concurrency import BaseConcurrency
from dbt.tests.adapter.dbt_clone.test_dbt_clone import (
    BaseCloneNotPossible,
    BaseCloneSameSourceAndTarget,
    BaseCloneSameTargetAndState,
)
from dbt.tests.adapter.dbt_debug.test_dbt_debug import BaseDebugProfileVariable
from dbt.tests.adapter.dbt_show.test_dbt_show import (
    BaseShowDoesNotHandleDoubleLimit,
    BaseShowLimit,
    BaseShowSqlHeader,
)
from dbt.tests.adapter.empty.test_empty import (
    BaseTestEmpty,
    BaseTestEmptyInlineSourceRef,
    BaseTestEmptySeedFlag,
    MetadataWithEmptyFlag,
)
from dbt.tests.adapter.ephemeral.test_ephemeral import (
    BaseEphemeralErrorHandling,
    BaseEphemeralMulti,
    BaseEphemeralNested,
)
from dbt.tests.adapter.query_comment.test_query_comment import (
    BaseEmptyQueryComments,
    BaseMacroArgsQueryComments,
    BaseMacroInvalidQueryComments,
    BaseMacroQueryComments,
    BaseNullQueryComments,
    BaseQueryComments,
)
from dbt.tests.adapter.relations.test_changing_relation_type import BaseChangeRelationTypeValidator
from dbt.tests.adapter.relations.test_dropping_schema_named import BaseDropSchemaNamed
from dbt.tests.adapter.sample_mode.test_sample_mode import BaseSampleModeTest
from dbt.tests.adapter.simple_copy.test_copy_uppercase import BaseSimpleCopyUppercase
from dbt.tests.adapter.simple_copy.test_simple_copy import EmptyModelsArentRunBase, SimpleCopyBase


class TestSimpleCopyUppercase(BaseSimpleCopyUppercase): ...


class TestSimpleCopy(SimpleCopyBase): ...


class TestEmptyModelsArentRun(EmptyModelsArentRunBase): ...


class TestShowLimit(BaseShowLimit): ...


class TestShowSqlHeader(BaseShowSqlHeader): ...


class TestShowDoesNotHandleDoubleLimit(BaseShowDoesNotHandleDoubleLimit): ...


class TestChangeRelationTypeValidator(BaseChangeRelationTypeValidator): ...


class TestDropSchemaNamed(BaseDropSchemaNamed): ...


class TestQueryComments(BaseQueryComments): ...


class TestMacroQueryComments(BaseMacroQueryComments): ...


class TestMacroArgsQueryComments(BaseMacroArgsQueryComments): ...


class TestMacroInvalidQueryComments(BaseMacroInvalidQueryComments): ...


class TestNullQueryComments(BaseNullQueryComments): ...


class TestEmptyQueryComments(BaseEmptyQueryComments): ...


class TestCloneNotPossible(BaseCloneNotPossible): ...


class TestCloneSameSourceAndTarget(BaseCloneSameSourceAndTarget): ...


class TestCloneSameTargetAndState(BaseCloneSameTargetAndState): ...


class TestEmpty(BaseTestEmpty): ...


class TestEmptyInlineSourceRef(BaseTestEmptyInlineSourceRef): ...


class TestEmptySeedFlag(BaseTestEmptySeedFlag): ...


class TestMetadataWithEmptyFlag(MetadataWithEmptyFlag): ...


class TestConcurrency(BaseConcurrency): ...


class TestEphemeralMulti(BaseEphemeralMulti): ...


class TestEphemeralNested(BaseEphemeralNested): ...


class TestEphemeralErrorHandling(BaseEphemeralErrorHandling): ...


class TestSampleModeTest(BaseSampleModeTest): ...


class TestDebugProfileVariable(BaseDebugProfileVariable): ...


class TestCatalogRelationTypes(CatalogRelationTypes): ...
