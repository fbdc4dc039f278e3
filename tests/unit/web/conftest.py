"""A served project."""

from __future__ import annotations

import pytest

from tests.unit.web.serving import Served


@pytest.fixture
def served(tmp_path):
    served = Served(tmp_path / "shop")
    yield served
    served.project.close()
