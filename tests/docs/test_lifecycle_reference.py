"""docs/reference/lifecycle.md has every key of lifecycle.yml, and its example can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.config.lifecycle_keys import BackupKeys, DataKeys, FileKeys, MatchKeys, PolicyKeys

PAGE = Path(__file__).parents[2] / "docs/reference/lifecycle.md"


@pytest.mark.parametrize("model", [BackupKeys, DataKeys, FileKeys, MatchKeys, PolicyKeys])
def test_every_key_is_on_the_page(model):
    text = re.sub(r"```.*?```", "", PAGE.read_text(), flags=re.DOTALL)
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", text))))
    words |= {"data", "policies", "backups"}
    assert {field.alias or name for name, field in model.model_fields.items()} <= words


def test_the_example_can_be_read(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "lifecycle.yml").write_text(example)
    lifecycle = load_lifecycle(tmp_path)
    assert lifecycle.policies["exports"].special[0][1].days == 7
