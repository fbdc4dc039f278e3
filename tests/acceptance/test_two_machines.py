"""A machine takes what a run on another one has extracted, and nothing stays."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dvt.app.buckets import open_bucket
from dvt.config.buckets import load_buckets
from dvt.core.names import TableRef
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import Workspace
from tests.acceptance.test_resume import begin, fail, federate

pytestmark = pytest.mark.slow

ROWS = 5_000
BOTH = (
    "SELECT a.version AS v, b.version AS w, count(*) AS n FROM {pg.machine_a} AS a"
    " JOIN {pg.machine_b} AS b ON a.id = b.id WHERE a.id > 0 GROUP BY 1, 2"
)
ONE = "SELECT version AS v, count(*) AS n FROM {pg.machine_a} WHERE id > 0 GROUP BY 1"


class Machine(Workspace):
    """A checkout of the project, with a target of its own and the sources that all machines have."""

    def ref(self, connection: str, table: str) -> TableRef:
        if connection == "pg":
            return TableRef(connection="pg", schema=self.outputs["pg"]["schema"], identifier=table)
        return super().ref(connection, table)


def machine(root: Path) -> Machine:
    """Return the machine whose checkout is in a folder."""
    return Machine(root, json.loads((root / "outputs.json").read_text()))


def build(workspace: Machine, **context: Any) -> dict[str, list[tuple[Any, ...]]]:
    """Build both models; return their rows."""
    with begin(workspace, project="shop", **context) as run:
        federate(run, "one", ONE)
        federate(run, "both", BOTH)
        return {name: run.rows("wh", name) for name in ("one", "both")}


class Site:
    """The machines, the server that they read, and the bucket that they stage in."""

    def __init__(self, root: Path, server: Any, entry: dict[str, Any]) -> None:
        self.server = server
        self.machines = [self._machine(root / name, entry) for name in ("first", "second")]
        server.execute(
            "DROP TABLE IF EXISTS machine_a, machine_b",
            *(
                f"CREATE TABLE machine_{name} AS"
                f" SELECT i AS id, 0 AS version FROM generate_series(1, {ROWS}) i"
                for name in "ab"
            ),
        )

    def _machine(self, root: Path, entry: dict[str, Any]) -> Machine:
        root.mkdir()
        workspace = Machine(root)
        workspace.duckdb("wh")
        workspace.outputs["pg"] = self.server.settings()
        (root / "outputs.json").write_text(json.dumps(workspace.outputs))
        (root / "buckets.yml").write_text(yaml.safe_dump({"shop": {"buckets": {"lake": entry}}}))
        FILES.close()
        return workspace

    def set_version(self, version: int) -> None:
        """Give all rows of both tables this version, at one moment."""
        updates = "; ".join(f"UPDATE machine_{name} SET version = {version}" for name in "ab")
        self.server.execute(f"BEGIN; {updates}; COMMIT")

    def staged(self) -> list[str]:
        root = self.machines[0].root
        bucket = open_bucket(load_buckets("shop", root, home=root).get(), root)
        return [key for key, _ in bucket.list("")]


@pytest.fixture
def site(tmp_path: Path, postgres: Any) -> Iterator[Site]:
    yield Site(tmp_path, postgres, {"type": "filesystem", "path": str(tmp_path / "shared")})
    FILES.close()


DIE = """
import json, os, signal, sys
from pathlib import Path
from tests.acceptance.test_resume import begin, federate
from tests.acceptance.test_two_machines import BOTH, machine
class Dying:
    def publish(self, load):
        os.kill(os.getpid(), signal.SIGKILL)
with begin(machine(Path(sys.argv[1])), project="shop") as run:
    federate(run, "both", BOTH, Dying())
"""


def test_another_machine_takes_what_a_killed_run_has_extracted_once_its_lease_has_expired(
    site: Site,
) -> None:
    root = site.machines[0].root
    process = subprocess.run(
        [sys.executable, "-c", DIE, str(root)], cwd=Path(__file__).resolve().parents[2], check=False
    )
    assert process.returncode == -9
    site.set_version(1)
    second = site.machines[1]
    with begin(second, project="shop") as run:  # its run may still be at work
        federate(run, "both", BOTH)
        assert run.rows("wh", "both") == [(1, 1, ROWS)]
    [lease] = [key for key in site.staged() if key.endswith("lease.json")]
    expire(site, lease)
    with begin(second, project="shop") as run:
        federate(run, "both", BOTH)
        assert run.rows("wh", "both") == [(0, 0, ROWS)]
        assert run.reporter.extracted() == []
    assert site.staged() == ["shop/_owner.json"]


def test_another_machine_takes_what_a_failed_run_has_extracted_at_once(site: Site) -> None:
    first, second = site.machines
    fail(first, ("both", BOTH), project="shop")
    FILES.close()
    site.set_version(1)
    with begin(second, project="shop") as run:
        federate(run, "both", BOTH)
        assert run.rows("wh", "both") == [(0, 0, ROWS)]
        assert run.reporter.extracted() == []
    assert site.staged() == ["shop/_owner.json"]
    FILES.close()
    build(first)
    assert first.records() == []


def expire(site: Site, key: str) -> None:
    """Make a lease of the shared folder one that has expired."""
    root = site.machines[0].root
    file = Path(load_buckets("shop", root, home=root).get().settings["path"], key)
    file.write_text(json.dumps({**json.loads(file.read_text()), "seconds": 0}))
