"""A project of a test's own, its lifecycle, and `dvt lifecycle` in its folder."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from dvt.cli.lifecycle import command
from dvt.config.lifecycle_file import load_lifecycle
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.system import System
from tests.unit.lifecycle.projects import Project


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "shop")


@pytest.fixture
def system(project):
    def opened():
        return System(load_lifecycle(project.folder))

    list(begin(project.folder, None, opened))
    with opened() as system:
        yield system


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
