"""Clients of each role."""

from __future__ import annotations

import pytest

from dvt.core.access import Role


@pytest.fixture
def viewer(served):
    return served.client(Role.VIEWER)


@pytest.fixture
def operator(served):
    return served.client(Role.OPERATOR)


@pytest.fixture
def admin(served):
    return served.client(Role.ADMIN)
