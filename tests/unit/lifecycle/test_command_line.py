"""The command line where something around it is not as it is expected: streams, disks, rights, options."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FULL = Path("/dev/full")


def started(project, *args, **streams):
    """Return an ended process of dvt."""
    code = "import sys; sys.argv = ['dvt', *sys.argv[1:]]; from dvt.cli.main import main; main()"
    command = [sys.executable, "-c", code, "lifecycle", *args]
    return subprocess.run(
        command, check=False, text=True, cwd=project.folder, stderr=subprocess.PIPE, **streams
    )


@pytest.mark.usefixtures("begun")
def test_without_a_standard_input_nothing_is_asked(project):
    project.log("dbt.log.1", 8)
    ended = started(project, "run", stdout=subprocess.DEVNULL, preexec_fn=lambda: os.close(0))
    assert ended.returncode == 3
    assert ended.stderr.startswith("DVT223 the run is refused, and nothing was touched: there is no terminal")
    assert project.names() == {"dbt.log.1"}


@pytest.mark.usefixtures("begun")
@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is full")
@pytest.mark.parametrize("option", ["--all", "--json"])
def test_an_output_that_is_full_is_told_in_a_sentence(project, option):
    project.log("dbt.log.1", 8)
    with FULL.open("w") as full:
        ended = started(project, "plan", option, stdout=full)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "DVT151 cannot write in the output: No space left on device",
        "  hint: is there room, and may this user write there?",
    ]


@pytest.mark.usefixtures("begun")
def test_a_reason_says_something(dvt):
    assert "it should say why" in dvt("pin", "add", "x", "--reason", " ", code=2)


@pytest.mark.usefixtures("begun")
def test_where_items_have_stayed_it_is_said_how_to_know_why(project, dvt):
    old = project.log("dbt.log.1", 8)
    plan = dvt("plan").rsplit(maxsplit=1)[-1]
    old.write_text("it has grown")
    told = dvt("run", plan, "--yes", code=2).splitlines()[-1]
    assert told.startswith("why each has stayed: dvt lifecycle audit --run ")
    assert "dbt.log.1  changed  it has changed since" in dvt(*told.partition("dvt lifecycle ")[2].split())


@pytest.mark.usefixtures("begun")
def test_of_a_plan_no_data_type_is_chosen(project, dvt):
    project.log("dbt.log.1", 8)
    project.operation("1", 100)
    project.operation("2", 1)
    plan = dvt("plan").rsplit(maxsplit=1)[-1]
    assert "a plan is run as it is" in dvt("run", plan, "-t", "dbt_logs", "--yes", code=2)
    assert "dbt.log.1" in project.names()
    dvt("run", "-t", "dbt_logs", "--yes")
    assert project.names() == {"operation_1.json", "operation_2.json"}
