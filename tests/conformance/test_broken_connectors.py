"""The suites notice: each promise is broken once, by a connector that breaks no other."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict

import pytest

from tests.architecture.sources import ROOT
from tests.conformance.broken_connectors import BREAKS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(570)]


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The tests that failed, by the class they are in, of those that should."""
    report = tmp_path_factory.mktemp("broken") / "report.xml"
    file = "tests/conformance/broken_connectors.py"
    tests = [f"{file}::Test{broken.__name__}::{test}" for broken, names in BREAKS.items() for test in names]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), ran.stdout + ran.stderr
    failed: dict[str, set[str]] = defaultdict(set)
    for case in ET.parse(report).iter("testcase"):
        if case.find("failure") is not None:
            failed[case.attrib["classname"].rpartition(".")[2]].add(case.attrib["name"].partition("[")[0])
    return failed


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
def test_a_broken_promise_is_noticed(broken: type, failures: dict[str, set[str]]) -> None:
    assert failures[f"Test{broken.__name__}"] == BREAKS[broken]
