"""`dvt sync` in a bare environment: from registries, and from a folder where there is no network."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from dvt.environment.lock import read_lock
from tests.stores.programs import missing

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).with_name("uv"))
SECONDS = 900
"""Of a command: one that hangs takes longer."""
DUCKDB = {"type": "duckdb", "path": "a.duckdb"}
SERVER = {"user": "u", "password": "p", "schema": "s"}
PROFILES: Mapping[str, Mapping[str, object]] = {
    "files": {"profiles": {"a": DUCKDB, "crm": {"type": "sqlite", "path": "crm.sqlite"}}},
    "servers": {
        "profiles": {
            "a": SERVER | {"type": "postgres", "host": "h", "port": 5432, "dbname": "d"},
            "crm": SERVER | {"type": "mysql", "server": "h"},
        },
        "buckets": {"lake": {"type": "s3", "bucket": "lake", "region": "eu-west-1"}},
    },
    "spark": {
        "profiles": {"a": DUCKDB, "erp": {"type": "jdbc", "url": "jdbc:derby://h/d", "user": "u"}},
        "buckets": {"lake": {"type": "azure", "container": "lake", "storage_account": "account"}},
        "computes": {"cluster": {"type": "spark", "master": "spark://h:7077"}},
    },
}
"""Name of a profile → what its files have."""
KEYS = {"profiles": "outputs", "buckets": "buckets", "computes": "computes"}
TARGETS = {"profiles": "a", "buckets": "lake", "computes": "duckdb"}
NEEDS = {
    "files": {"dbt-duckdb", "duckdb-extension-sqlite-scanner"},
    "servers": {
        "boto3",
        "cryptography",
        "dbt-postgres",
        "duckdb-extension-mysql-scanner",
        "duckdb-extension-postgres-scanner",
        "psycopg2-binary",
        "pymysql",
    },
    "spark": {
        "azure-identity",
        "azure-storage-blob",
        "dbt-duckdb",
        "py4j",
        "pyarrow",
        "pyspark",
        "org.apache.derby:derbyclient",
        "org.apache.hadoop:hadoop-azure",
    },
}
"""Name of a profile → names of the packages and jars that it needs."""


@dataclass(frozen=True)
class Machine:
    """A home without anything, and an environment that has dvt alone."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "env" / "bin" / "python"

    def sync(self, project: Path, *options: str, network: bool = True) -> dict:
        """Run `dvt sync` of the environment; return what it says."""
        command = [str(self.python.with_name("dvt")), "sync", "--profiles-dir", ".", "--json", *options]
        home = Path.home()
        variables = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
        variables |= {
            "HOME": str(self.folder),
            "PATH": f"{Path(UV).parent}:{os.environ['PATH']}",
            "MAVEN_OPTS": f"-Dmaven.repo.local={home / '.m2' / 'repository'}",
            "UV_CACHE_DIR": str(home / ".cache" / "uv" if network else self.folder / "no-cache"),
            "PIP_CACHE_DIR": str(home / ".cache" / "pip" if network else self.folder / "no-cache-of-pip"),
        }
        done = subprocess.run(
            command if network else without_network(command),
            cwd=project,
            env=variables,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


def without_network(command: Sequence[str]) -> list[str]:
    """Return a command as it runs where only the loopback device is."""
    who = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    return [*who, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """dvt's own package."""
    if shutil.which("mvn") is None:
        missing("Maven is not installed: apt-get install maven")
    probe = subprocess.run(without_network(["true"]), capture_output=True, text=True, check=False)
    if probe.returncode:
        missing(f"a network of its own cannot be had here: {probe.stderr}")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture
def machine(tmp_path: Path, wheel: Path):
    def make(name: str) -> Machine:
        made = Machine(tmp_path / name)
        made.folder.mkdir()
        subprocess.run([sys.executable, "-m", "venv", made.folder / "env"], check=True)
        constraints = ROOT / "requirements" / "runtime.txt"
        command = [UV, "pip", "install", "--quiet", "--python", made.python, wheel, "-c", constraints]
        subprocess.run(command, check=True, timeout=SECONDS)
        return made

    return make


@pytest.fixture(params=sorted(PROFILES))
def project(request, tmp_path: Path) -> Path:
    folder = tmp_path / request.param
    folder.mkdir()
    (folder / "dbt_project.yml").write_text("name: shop\nversion: '1'\nprofile: shop\n")
    for file, entries in PROFILES[request.param].items():
        content = {"shop": {"target": TARGETS[file], KEYS[file]: entries}}
        (folder / f"{file}.yml").write_text(json.dumps(content))
    return folder


def items(report: dict) -> dict[str, str | None]:
    """Return packages and their versions, but for Java."""
    return {
        item["package"]: item["version"]
        for item in report["items"]
        if not item["package"].startswith("Java ")
    }


def names(report: dict) -> set[str]:
    """Return names of packages, and of jars without their versions."""
    texts = [text for text in items(report) if ":" not in text]
    jars = [":".join(text.split(":")[:2]) for text in items(report) if ":" in text]
    return {text.partition(">")[0].partition("=")[0].partition("<")[0] for text in texts} | {*jars}


def test_a_folder_without_a_network_gives_the_lock_and_the_result_of_a_registry(project: Path, machine):
    lock = project / "sync.lock"
    near = machine("near")
    first = near.sync(project)
    assert first["ok"], first
    assert names(first) == NEEDS[project.name]
    locked = lock.read_bytes()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    second = near.sync(project)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Of its processor alone, since others may use this machine.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
    assert (items(second), second["installer"], lock.read_bytes()) == (items(first), None, locked)

    downloaded = near.sync(project, "--download", "wheels")
    assert downloaded["ok"], downloaded
    far = machine("far")
    alone = far.sync(project, network=False)
    assert not alone["ok"], "there is a network"
    offline = far.sync(project, "--offline", "wheels", network=False)
    assert offline["ok"], offline
    assert (items(offline), lock.read_bytes()) == (items(first), locked)
    assert far.sync(project, network=False)["installer"] is None


@pytest.mark.parametrize("project", ["servers"], indirect=True)
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_without_its_lock_a_folder_gives_the_same_versions(project: Path, machine, installer: str):
    lock = project / "sync.lock"
    near, far = machine("near"), machine("far")
    assert near.sync(project)["ok"]
    assert near.sync(project, "--download", "wheels")["ok"]
    online = read_lock(lock)
    lock.unlink()
    assert far.sync(project, "--offline", "wheels", "--installer", installer, network=False)["ok"]
    offline = read_lock(lock)
    assert (offline.needs, offline.jars) == (online.needs, online.jars)
    hashes = {(package.name, package.version): package.hashes for package in online.packages}
    assert [(package.name, package.version) for package in offline.packages] == list(hashes)
    for package in offline.packages:
        assert {*package.hashes} <= {*hashes[package.name, package.version]}


@pytest.mark.parametrize("project", ["files"], indirect=True)
def test_what_is_not_in_the_folder_is_an_error_that_says_how_to_fill_it(project: Path, machine):
    (project / "wheels").mkdir()
    report = machine("far").sync(project, "--offline", "wheels", network=False)
    hints = [item["error"]["hint"] for item in report["items"] if item["error"]]
    assert len(hints) == 1
    assert "dvt sync --download" in hints[0]
