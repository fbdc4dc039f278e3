"""The tutorial of the lifecycle is followed word for word, and shows what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.docs.test_tutorial import follow

PAGE = ROOT / "docs/tutorial-lifecycle.md"


@pytest.mark.slow
def test_the_tutorial_of_the_lifecycle_can_be_followed_word_for_word(tmp_path: Path):
    printed = follow(PAGE, tmp_path)
    (shown,) = re.findall(r"^```text\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    init = next(text for text in printed if text.startswith("lifecycle.yml is there"))
    pattern = "".join(".*" if part == "…" else re.escape(part) for part in re.split("(…)", shown))
    assert re.fullmatch(pattern, init)
    plan = next(text for text in printed if "older than 7 days" in text)
    assert "dbt.log.1" in plan
    assert "dbt.log.2" in plan
    assert "dbt_logs: 2 items" in "".join(printed)
    assert "dbt.log.3\ndbt.log.4\ndbt.log.5\n" in printed
    assert "all went well\n" in printed
    assert "pinned" in printed[-5]
    assert "0 B freed" in printed[-4]
    assert "Europe/Berlin" in printed[-3]
    assert "none was changed" in printed[-1]
    assert {file.name for file in (tmp_path / "logs").glob("[!.]*")} == {f"dbt.log.{n}" for n in (1, 3, 4, 5)}
