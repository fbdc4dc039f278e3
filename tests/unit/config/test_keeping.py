"""buckets.yml says what stays of staged data when a run ends, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dvt.config.buckets import load_buckets
from dvt.core.errors import BucketsInvalid
from dvt.core.keeping import Keep, Keeping


@pytest.fixture
def write(tmp_path):
    def write(text):
        (tmp_path / "buckets.yml").write_text(text)
        return load_buckets("shop", tmp_path, home=tmp_path)

    return write


def only(write, entry):
    """Load a file whose only bucket has these keys."""
    return write(f"shop: {{buckets: {{a: {entry}}}}}").get("a")


def test_what_is_extracted_stays_six_hours_after_a_failed_run_unless_the_file_says_otherwise(write):
    assert only(write, "{type: filesystem}").keeping == Keeping(Keep.AFTER_FAILURE, timedelta(hours=6))
    assert write("").get().keeping == Keeping(Keep.AFTER_FAILURE, timedelta(hours=6))
    assert only(write, "{type: filesystem, keep: always}").keeping.keep is Keep.ALWAYS
    entry = only(write, "{type: filesystem, path: /b, keep: never, resume_within: 2D}")
    assert entry.keeping == Keeping(Keep.NEVER, timedelta(days=2))
    assert (entry.settings, entry.keeping.for_later_runs) == ({"path": "/b"}, False)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "{type: filesystem, keep: sometimes}",
            "shop.buckets.a.keep: should be one of: never, after_failure, always",
        ),
        ("{type: filesystem, keep: [x]}", "shop.buckets.a.keep: should be a text"),
        ("{type: filesystem, resume_within: 6}", "shop.buckets.a.resume_within: should be a text"),
        (
            "{type: filesystem, resume_within: 6m}",
            "resume_within: Invalid duration format: '6m'. Expected format: Nh",
        ),
    ],
)
def test_an_invalid_key_of_what_stays_is_an_error_with_its_line(write, entry, problem):
    with pytest.raises(BucketsInvalid) as caught:
        only(write, entry)
    assert problem in caught.value.message
    assert caught.value.line == 1
