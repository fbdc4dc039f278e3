"""For tests of programs with a /tmp and a /mnt of their own, where the original system has its files."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def require_own_tmp() -> None:
    """Skip the test where it cannot be had, or would hide this checkout."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root may have a /tmp of its own")
    if any(path.is_relative_to(hidden) for path in (ROOT, Path(sys.prefix)) for hidden in ("/tmp", "/mnt")):
        pytest.skip("this checkout is in a folder that the test hides")
