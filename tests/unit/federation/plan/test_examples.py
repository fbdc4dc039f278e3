"""Examples in the planner's docstrings."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from dvt.federation import plan
from tests.unit.federation.plan.examples import after, copy_state_after, state_after

MODULES = [module.name for module in pkgutil.walk_packages(plan.__path__, f"{plan.__name__}.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name: str) -> None:
    functions = {"after": after, "state_after": state_after, "copy_state_after": copy_state_after}
    assert doctest.testmod(importlib.import_module(name), extraglobs=functions).failed == 0
