"""Environment variables that a file names and that are not set."""

from __future__ import annotations

import pytest

from dvt.config.buckets import load_buckets
from dvt.core.errors import BucketsInvalid


def test_a_variable_that_is_not_set_is_an_error_with_both_ways_out(tmp_path):
    entry = '{type: filesystem, path: "${DVT_TEST_NEVER_SET}"}'
    (tmp_path / "buckets.yml").write_text(f"shop: {{target: a, buckets: {{a: {entry}}}}}")
    with pytest.raises(BucketsInvalid) as error:
        load_buckets("shop", tmp_path, project_dir=tmp_path).get("a").checked()
    assert error.value.hint == "set it, or give it a default: {{ env_var('DVT_TEST_NEVER_SET', '…') }}"
