"""docs/reference/api.md names every address of the API, and its commands do what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.access import Role
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.system import System
from tests.unit.lifecycle.projects import Project
from tests.unit.web.serving import Served
from tests.unit.web.test_server import serving

PAGE = Path(__file__).parents[2] / "docs/reference/api.md"


@pytest.mark.slow
def test_every_address_is_on_the_page(tmp_path):
    served = Served(tmp_path / "shop")
    text = PAGE.read_text().replace("{id}", "{}")
    missing = []
    for path, operations in served.app.openapi()["paths"].items():
        short = re.sub(r"\{(?!data_type)\w+\}", "{}", path.removeprefix("/api/cleanup"))
        missing += [
            f"{method} {path}" for method in operations if not re.search(rf"{re.escape(short)}[`?]", text)
        ]
    assert not missing
    served.project.close()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_commands_do_what_the_page_says(tmp_path):
    _, *blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    project = Project(tmp_path / "shop")
    list(begin(project.folder, None, lambda: System(load_lifecycle(project.folder))))
    file = project.log("dbt.log.1", 8)
    with System(load_lifecycle(project.folder)) as system:
        token = system.store.tokens.add("ana", Role.ADMIN, system.asking())[0]
    (tmp_path / "token.txt").write_text(token + "\n")
    with serving(project, token) as server:
        script = "\necho; echo ---\n".join(blocks).replace("http://127.0.0.1:8642", server.address)
        script = re.sub(r"\| jq -r \.(\w+)", r"""| sed 's/.*"\1":"\\([^"]*\\)".*/\\1/'""", script)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    parts = done.stdout.split("\n---\n")
    assert '"stats":[' in parts[0]
    assert f'"file_path":"{file}"' in parts[1]
    assert '"text":"8 days old, older than 7 days"' in parts[2]
    assert "event: end" in parts[3]
    assert f",dbt_logs,{file},deleted," in parts[4]
    assert '"restored":1,"failed":0' in parts[4]
    assert '"needs_confirmation":true' in parts[5]
    assert file.exists()
