"""The files for containers and systemd are right as far as that can be told without either."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.cron import cron
from tests.docs.pages import ROOT

DOCKER, SYSTEMD = ROOT / "config/docker", ROOT / "config/systemd"
SERVICE = "cleanup-scheduler"
KNOWN = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "STOPSIGNAL", "HEALTHCHECK", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the image's definition, with what follows each."""
    text = re.sub(r"\\\n", " ", (DOCKER / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def commands() -> list[list[str]]:
    """Return what the image runs: its health check and its command."""
    return [
        json.loads(text[text.index("[") :]) for name, text in instructions() if name in {"HEALTHCHECK", "CMD"}
    ]


def environment() -> dict[str, str]:
    """Return what the image sets but for its search path."""
    pairs = (pair for name, text in instructions() if name == "ENV" for pair in shlex.split(text))
    found = dict(pair.split("=", 1) for pair in pairs)
    del found["PATH"]
    return found


def compose() -> dict:
    return yaml.safe_load((DOCKER / "docker-compose.yml").read_text())


def exec_lines() -> list[list[str]]:
    """Return the commands that are run in the service, from all files."""
    text = "\n".join(file.read_text() for file in DOCKER.iterdir())
    found = re.findall(rf"docker-compose .*?exec (?:-T )?{SERVICE} (.+)", text)
    return [shlex.split(line) for line in found]


def test_the_image_has_instructions_that_exist_and_copies_what_is_there():
    assert {name for name, _ in instructions()} <= KNOWN
    names = [name for name, _ in instructions()]
    assert names[0] == "FROM"
    assert names.count("CMD") == names.count("HEALTHCHECK") == 1
    for name, text in instructions():
        if name == "COPY" and not text.startswith("--from="):
            assert all((ROOT / source).exists() for source in text.split()[:-1])
    assert commands() == [
        ["dvt", "lifecycle", "schedule", "--status"],
        ["dvt", "lifecycle", "schedule"],
    ]


def test_the_image_does_not_run_as_root_by_itself():
    users = [text for name, text in instructions() if name == "USER"]
    assert users == ["cleanup"]


@pytest.mark.slow
def test_what_the_image_copies_is_enough_to_build_the_package(tmp_path: Path):
    for name, text in instructions():
        if name == "COPY" and text.split()[-1] != "/opt/dvt" and "/app" not in text:
            *sources, target = text.split()
            for source in sources:
                to = tmp_path / (target if (ROOT / source).is_dir() else source)
                to.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, to)
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "out", "."],
        cwd=tmp_path,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert list((tmp_path / "out").glob("dvt_engine-*.whl"))


def test_the_extras_of_the_image_exist():
    (line,) = [text for name, text in instructions() if name == "RUN" and '".[' in text]
    extras = re.findall(r"\[(.+?)\]", line)[0].split(",")
    known = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert set(extras) <= set(known)


def test_the_compose_file_names_what_there_is():
    content = compose()
    assert set(content) == {"services", "volumes"}
    assert set(content["services"]) == {"postgres", SERVICE}
    service = content["services"][SERVICE]
    assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    named = {mount.split(":")[0] for of in content["services"].values() for mount in of["volumes"]}
    assert {name for name in named if not name.startswith(".")} == set(content["volumes"])
    assert all((DOCKER / name).exists() for name in named if name.startswith("."))
    assert service["hostname"] == SERVICE
    assert set(service["depends_on"]) <= set(content["services"])


def test_the_service_finds_the_database_where_the_compose_file_has_it():
    postgres = compose()["services"]["postgres"]
    assert environment()["CLEANUP_DB_HOST"] in compose()["services"]
    assert postgres["ports"] == ["127.0.0.1:5433:5432"]
    assert environment()["CLEANUP_DB_PORT"] == "5432"
    assert environment()["CLEANUP_DB_NAME"] == postgres["environment"]["POSTGRES_DB"]
    assert environment()["CLEANUP_DB_USER"] == postgres["environment"]["POSTGRES_USER"]


def test_no_password_is_in_the_files():
    for file in (*DOCKER.iterdir(), *SYSTEMD.iterdir()):
        for value in re.findall(r"PASSWORD[\"']?\s*[:=]\s*(\S+)", file.read_text()):
            assert value.startswith(("${CLEANUP_DB_PASSWORD:?", "..."))


def test_the_lifecycle_of_the_image_can_be_read():
    settings = load_lifecycle(DOCKER, DOCKER / "lifecycle.yml", environment=environment())
    assert settings.store == "postgresql://dagster@postgres:5432/dagster"
    assert str(settings.backups) == "/tmp/cleanup_backups"
    assert settings.schedule.cron.text == "0 2 * * *"


def test_the_line_of_cron_is_one():
    (line,) = [line for line in (DOCKER / "cleanup.cron").read_text().splitlines() if line[0] != "#"]
    assert cron(" ".join(line.split()[:5])).text == "0 2 * * *"
    assert line.endswith("--run --type automatic")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_its_units(tmp_path: Path):
    for file in SYSTEMD.iterdir():
        text = file.read_text().replace("/opt/dvt/bin/dvt", f"{Path(sys.executable).parent}/dvt")
        (tmp_path / file.name).write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_units_run_what_there_is():
    lines = [
        line.removeprefix("ExecStart=")
        for file in SYSTEMD.glob("*.service")
        for line in file.read_text().splitlines()
        if line.startswith("ExecStart=")
    ]
    assert sorted(lines) == [
        "/opt/dvt/bin/dvt lifecycle schedule",
        "/opt/dvt/bin/dvt lifecycle schedule --once",
    ]
