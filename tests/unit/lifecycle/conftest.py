"""`dvt lifecycle` in the folder of a test's project."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from dvt.cli.lifecycle import command


@pytest.fixture
def dvt(project, monkeypatch):
    monkeypatch.chdir(project.folder)

    def dvt(*args, code=0):
        result = CliRunner().invoke(command(), list(args), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.output

    return dvt


@pytest.fixture
def begun(dvt):
    dvt("init")
