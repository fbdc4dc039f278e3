"""Seeds."""

from __future__ import annotations

from dbt.tests.adapter.simple_seed.test_seed import (
    BaseBasicSeedTests,
    BaseSeedConfigFullRefreshOff,
    BaseSeedConfigFullRefreshOn,
    BaseSeedCustomSchema,
    BaseSeedParsing,
    BaseSeedSpecificFormats,
    BaseSeedWithEmptyDelimiter,
    BaseSeedWithUniqueDelimiter,
    BaseSeedWithWrongDelimiter,
    BaseSimpleSeedEnabledViaConfig,
    BaseSimpleSeedWithBOM,
    BaseTestEmptySeed,
)
from dbt.tests.adapter.simple_seed.test_seed_type_override import BaseSimpleSeedColumnOverride


class TestBasicSeedTests(BaseBasicSeedTests): ...


class TestSeedConfigFullRefreshOn(BaseSeedConfigFullRefreshOn): ...


class TestSeedConfigFullRefreshOff(BaseSeedConfigFullRefreshOff): ...


class TestSeedCustomSchema(BaseSeedCustomSchema): ...


class TestSeedWithUniqueDelimiter(BaseSeedWithUniqueDelimiter): ...


class TestSeedWithWrongDelimiter(BaseSeedWithWrongDelimiter): ...


class TestSeedWithEmptyDelimiter(BaseSeedWithEmptyDelimiter): ...


class TestSimpleSeedEnabledViaConfig(BaseSimpleSeedEnabledViaConfig): ...


class TestSeedParsing(BaseSeedParsing): ...


class TestSimpleSeedWithBOM(BaseSimpleSeedWithBOM): ...


class TestSeedSpecificFormats(BaseSeedSpecificFormats): ...


class TestEmptySeed(BaseTestEmptySeed): ...


class TestSimpleSeedColumnOverride(BaseSimpleSeedColumnOverride): ...
