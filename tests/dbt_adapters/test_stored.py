"""Tests whose failures are stored."""

from __future__ import annotations

from dbt.tests.adapter.store_test_failures_tests.basic import (
    StoreTestFailuresAsExceptions,
    StoreTestFailuresAsGeneric,
    StoreTestFailuresAsInteractions,
    StoreTestFailuresAsProjectLevelEphemeral,
    StoreTestFailuresAsProjectLevelOff,
    StoreTestFailuresAsProjectLevelView,
)
from dbt.tests.adapter.store_test_failures_tests.test_store_test_failures import (
    BaseStoreTestFailures,
    BaseStoreTestFailuresLimit,
)


class TestStoreTestFailuresAsInteractions(StoreTestFailuresAsInteractions): ...


class TestStoreTestFailuresAsProjectLevelOff(StoreTestFailuresAsProjectLevelOff): ...


class TestStoreTestFailuresAsProjectLevelView(StoreTestFailuresAsProjectLevelView): ...


class TestStoreTestFailuresAsProjectLevelEphemeral(StoreTestFailuresAsProjectLevelEphemeral): ...


class TestStoreTestFailuresAsGeneric(StoreTestFailuresAsGeneric): ...


class TestStoreTestFailuresAsExceptions(StoreTestFailuresAsExceptions): ...


class TestStoreTestFailures(BaseStoreTestFailures): ...


class TestStoreTestFailuresLimit(BaseStoreTestFailuresLimit): ...
