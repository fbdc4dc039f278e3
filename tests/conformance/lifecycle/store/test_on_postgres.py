"""The store's promises, which are the same in PostgreSQL."""

from __future__ import annotations

import pytest

from tests.unit.lifecycle.store.test_audit import TestChain, TestEvents, TestRuns  # noqa: F401
from tests.unit.lifecycle.store.test_clock import TestFacts  # noqa: F401
from tests.unit.lifecycle.store.test_locks import TestLocks  # noqa: F401
from tests.unit.lifecycle.store.test_opening import TestSchema  # noqa: F401
from tests.unit.lifecycle.store.test_past import TestPast, TestPinsEver  # noqa: F401
from tests.unit.lifecycle.store.test_pins import TestPins  # noqa: F401
from tests.unit.lifecycle.store.test_policies import TestPolicies  # noqa: F401
from tests.unit.lifecycle.store.test_spool import TestSpool, without  # noqa: F401

pytestmark = pytest.mark.slow
