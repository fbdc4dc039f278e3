"""`dvt web` as its users have it: a process of its own, that is signed in to, stopped, and killed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.access import Role
from dvt.core.errors import AddressRefused
from dvt.core.retention import Asking
from dvt.lifecycle import retire
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.system import System
from tests.unit.lifecycle.projects import Project

pytestmark = pytest.mark.slow
FILES = 6 * retire._BATCH
"""More than one batch, so that a run can be stopped, or killed, between two."""


def command(*options):
    return [sys.executable, "-m", "dvt.cli.main", "web", *options]


class Server:
    """A running `dvt web`, and a client with a token."""

    def __init__(self, process, address, link, token):
        self.process, self.address, self.link = process, address, link
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx.Client(base_url=address, headers=headers, timeout=120, trust_env=False)

    def post(self, path, **body):
        answer = self.client.post(f"/api/cleanup/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, path):
        return self.client.get(f"/api/cleanup/{path}").json()

    def events(self, run):
        """Yield name and content of the events of a run."""
        with self.client.stream("GET", f"/api/cleanup/runs/{run}/events") as answer:
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "shop")
    list(begin(project.folder, None, lambda: System(load_lifecycle(project.folder))))
    return project


@pytest.fixture
def token(project):
    with System(load_lifecycle(project.folder)) as system:
        return system.store.tokens.add("ana", Role.ADMIN, Asking(actor="test"))[0]


@contextmanager
def serving(project, token, *options):
    process = subprocess.Popen(
        command("--port", "0", "--project-dir", str(project.folder), *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        first, second = process.stdout.readline(), process.stdout.readline()
        address = re.search(r"http://\S+(?=;)", first)
        assert address, first + second + process.stdout.read()
        server = Server(process, address[0], second.rpartition(" ")[2].strip(), token)
        with server.client:
            yield server
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def begun(server):
    """Start a run of all that is due; return its id, and its events from the first deletion on."""
    plan = server.post("plans")["plan"]
    run = server.post(f"plans/{plan}/run")["run"]
    events = server.events(run)
    for _, record in events:
        if record["results"] or record["ended"]:
            break
    return run, events


def names(folder):
    return {path.name for path in folder.glob("dbt.log.*")}


def backed_up(project):
    with System(load_lifecycle(project.folder)) as system:
        return {entry.item.key.rpartition("/")[2] for entry in system.backups()}


def test_a_run_is_stopped_between_batches_and_the_rest_stays(project, token):
    for number in range(FILES):
        project.log(f"dbt.log.{number}", 8)
    with serving(project, token) as server:
        run, events = begun(server)
        busy = server.client.post("/api/cleanup/run", json={"dry_run": False})
        assert (busy.status_code, busy.json()["error"]["code"]) == (409, "DVT205")
        assert server.post(f"runs/{run}/stop")["run"] == run
        name, last = list(events)[-1]
        assert (name, last["status"], last["detail"]) == ("end", "stopped", "somebody has stopped it")
        left = names(project.logs)
        assert len(left) == FILES - last["results"][0]["items"]
        assert 0 < len(left) < FILES
        again = server.client.post(f"/api/cleanup/runs/{run}/stop")
        assert (again.status_code, again.json()["error"]["code"]) == (409, "DVT237")
        assert server.get("runs")[0]["status"] == "stopped"
        report = server.client.get(f"/api/cleanup/runs/{run}/report").text.splitlines()
        assert len(report) == 1 + FILES - len(left)


def test_a_server_that_ends_lets_its_run_end_first(project, token):
    for number in range(FILES):
        project.log(f"dbt.log.{number}", 8)
    with serving(project, token) as server:
        run, events = begun(server)
        server.process.send_signal(signal.SIGTERM)
        assert list(events)[-1][1]["status"] == "stopped"
        server.process.wait(timeout=120)
    with System(load_lifecycle(project.folder)) as system:
        record = system.store.records.run(run)
        assert record.status == "stopped"
        assert not system.store.is_cleaner_at_work()


def test_a_server_that_is_killed_in_a_run_loses_nothing(project, token):
    for number in range(FILES):
        project.log(f"dbt.log.{number}", 8)
    every = names(project.logs)
    with serving(project, token) as server:
        run, _ = begun(server)
        server.process.kill()
        server.process.wait()
    with serving(project, token) as server:
        (told,) = server.get("runs")
        assert (told["run"], told["status"], told["alive"], told["here"]) == (run, "running", False, False)
        assert [name for name, _ in server.events(run)][-1] == "end"
        assert every == names(project.logs) | backed_up(project)
        second, events = begun(server)
        assert list(events)[-1][1]["status"] == "completed"
        assert {of["run"]: of["status"] for of in server.get("runs")} == {second: "completed", run: "failed"}
        assert names(project.logs) == set()
        assert every == backed_up(project)
        assert server.get("audit/verify")["whole"]


def test_the_printed_link_signs_in_and_no_secret_is_told(project, token):
    with serving(project, token) as server:
        assert server.link.startswith(server.address)
        with httpx.Client(trust_env=False) as browser:
            assert browser.get(server.link).status_code == 200
            assert browser.get(f"{server.address}/api/cleanup/tokens").status_code == 200
        assert httpx.get(server.link, trust_env=False).status_code == 401
        server.get("stats")
        commands = [
            file.read_bytes()
            for process in Path("/proc").iterdir()
            if process.name.isdecimal() and (file := process / "cmdline").exists()
        ]
        secrets = (token, server.link.rpartition("=")[2])
        assert not [line for line in commands for secret in secrets if secret.encode() in line]
        port = server.address.rpartition(":")[2]
        taken = subprocess.run(
            command("--project-dir", str(project.folder), "--port", port),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert taken.returncode == 1
        assert f"DVT239 nothing is served at 127.0.0.1:{port}: Address already in use" in taken.stderr
        server.process.send_signal(signal.SIGINT)
        printed = server.process.stdout.read()
        assert server.process.wait(timeout=120) == 0
        assert not [secret for secret in secrets if secret in printed]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--host", "0.0.0.0"), "other machines could reach it"),
        (("--host", "0.0.0.0", "--no-auth", "--allow-others"), "without tokens, anybody could delete files"),
        (("--host", "::", "--allow-others", "--no-auth"), "without tokens, anybody could delete files"),
    ],
)
def test_others_are_served_only_if_that_is_said_and_never_without_tokens(project, options, problem):
    done = subprocess.run(
        command("--project-dir", str(project.folder), *options),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert f"{AddressRefused.code} nothing is served at {options[1]}: {problem}" in done.stderr
