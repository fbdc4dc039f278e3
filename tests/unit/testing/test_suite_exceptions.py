"""A suite's exceptions are of tests that there are, and one that is no longer needed is an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dvt.testing.suites import BucketSuite

pytestmark = pytest.mark.slow

TESTS = """
import pytest
from dvt.testing.memory_bucket import InMemoryBucket
from dvt.testing.suites import BucketSuite

class TestInMemoryBucket(BucketSuite):
    {exceptions} = {{"test_an_object_is_created_and_read": "says the reason"}}

    @pytest.fixture
    def bucket(self):
        {bucket}
"""


def outcome(folder: Path, exceptions: str, bucket: str) -> str:
    """What pytest reports of one test of a bucket for which the class makes an exception."""
    file = folder / "test_bucket.py"
    file.write_text(TESTS.format(exceptions=exceptions, bucket=bucket))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-rA",
        "-p",
        "no:cacheprovider",
        "-k",
        "created_and_read",
        file,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    ("exceptions", "bucket", "report"),
    [
        ("never", "raise RuntimeError", "SKIPPED [1]"),
        ("notyet", "return None", "XFAIL test_bucket.py"),
        ("notyet", "return InMemoryBucket()", "[XPASS(strict)] says the reason"),
    ],
)
def test_a_test_is_skipped_or_must_fail(tmp_path: Path, exceptions: str, bucket: str, report: str) -> None:
    reported = outcome(tmp_path, exceptions, bucket)
    assert report in reported
    assert "says the reason" in reported


@pytest.mark.parametrize("exceptions", ["never", "notyet"])
def test_an_exception_of_no_test_is_an_error(exceptions: str) -> None:
    with pytest.raises(AttributeError, match="test_misspelt"):
        type("TestBucket", (BucketSuite,), {exceptions: {"test_misspelt": "no reason"}})
