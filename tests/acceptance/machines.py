"""Machines that run one project with the same buckets, and the server that all of them read."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import yaml

from dvt.app.buckets import open_bucket
from dvt.config.buckets import load_buckets
from dvt.staging.in_folder import InFolder
from dvt.staging.leases import is_within
from dvt.staging.parquet import MARKER_FILE
from tests.acceptance.elsewhere import command
from tests.acceptance.project import CommandResult, Project

ROWS = 5_000
"""Rows of each table."""
SHARES = 10
"""A version changes every row of most tables, and of one table one share of the rows and their keys."""
MODELS = {
    "single": "SELECT version AS v, count(*) AS n FROM {a} WHERE id > 0 GROUP BY 1",
    "joined": "SELECT a.version AS v, b.version AS w, count(*) AS n"
    " FROM {a} AS a JOIN {b} AS b ON a.id = b.id WHERE a.id > 0 GROUP BY 1, 2",
    "unchanged": "SELECT version AS v, count(*) AS n FROM {c} GROUP BY 1",
    "changed": "SELECT max(version) AS v, sum(version) AS s, count(*) AS n FROM {d}",
    "all": "SELECT min(a.version) AS v, max(a.version) AS w, min(c.version) AS x, max(c.version) AS y,"
    " max(d.version) AS z, sum(d.version) AS s, count(*) AS n"
    " FROM {a} AS a JOIN {c} AS c ON a.id = c.id JOIN {d} AS d ON a.id = abs(d.id)",
    "late": "SELECT version AS v, count(*) AS n FROM {b} WHERE id > 0 GROUP BY 1",
}
"""Model → its SQL. `late` fails if a run is told to; `c` is extracted by tokens, `d` by hashes."""
EXTRACTION: Mapping[str, Any] = {
    "a": {"extraction": {"method": "full"}},
    "b": {"extraction": {"method": "full"}, "bucket": "shared"},
    "c": {"extraction": {"method": "auto"}},
    "d": {"extraction": {"method": "incremental", "incremental": {"strategy": "hash"}}, "bucket": "shared"},
}
"""Table → its config. A model stages what it reads, and its answer, in `lake`, if nothing else is said."""
BUCKETS = ("lake", "shared")
RESUMABLE = frozenset({"single", "joined", "late"})
"""Models that may take what a run that failed or died has extracted."""
VALID, RENEWAL = 20.0, 2.0
"""Seconds for which a lease is valid, and after which it is renewed."""
LEASE_LOST = "DVT170"


class Source:
    """The tables, whose rows tell of which version they are."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.begun = self.committed = 0
        """The version that is being written, and that which every new snapshot shows at least."""
        names = [f"machine_{name}" for name in "abcd"]
        server.execute(
            f"DROP TABLE IF EXISTS {', '.join(names)}",
            *(
                f"CREATE TABLE {name} AS SELECT i AS id, 0 AS version FROM generate_series(1, {ROWS}) i"
                for name in names
            ),
            "ALTER TABLE machine_d ADD PRIMARY KEY (id)",
        )

    def change(self) -> None:
        """Write the next version, at one moment; one thread does."""
        self.begun += 1
        updates = [f"UPDATE machine_{name} SET version = {self.begun}" for name in "abc"]
        share = f"abs(id) % {SHARES} = {self.begun % SHARES}"
        updates.append(f"UPDATE machine_d SET version = {self.begun}, id = -id WHERE {share}")
        self.server.execute(f"BEGIN; {'; '.join(updates)}; COMMIT")
        self.committed = self.begun


def version_of(model: str, rows: list[tuple[Any, ...]]) -> int:
    """Return the version that a model shows; fail if it is not all of one."""
    [row] = rows
    version = int(row[0])
    share = ROWS // SHARES * sum(max(range(rest, version + 1, SHARES), default=0) for rest in range(SHARES))
    expected: Mapping[str, tuple[int, ...]] = {
        "joined": (version, version, ROWS),
        "changed": (version, share, ROWS),
        "all": (*[version] * 5, share, ROWS),
    }
    assert tuple(map(int, row)) == expected.get(model, (version, ROWS)), (model, row)
    return version


class Machine:
    """A checkout with a home, a clock and a target of its own."""

    def __init__(
        self, root: Path, server: Any, buckets: Mapping[str, Mapping[str, Any]], *, ahead: float
    ) -> None:
        """Make it, with buckets.yml's `buckets`; its clock is so many seconds ahead."""
        self.root = root
        self.home = root.parent / f"{root.name} home"
        self.home.mkdir()
        self._command = command(ahead=ahead, valid=VALID, renewal=RENEWAL)
        wh = {"type": "duckdb", "path": str(root / "wh.duckdb"), "threads": 2}
        self.project = Project(root, {"wh": wh, "pg": server.settings()}, default="wh")
        profile = {"target": "lake", "buckets": {name: dict(entry) for name, entry in buckets.items()}}
        self.project.file("buckets.yml", yaml.safe_dump({"shop": profile}))
        tables = [{"name": f"machine_{name}", "config": dict(config)} for name, config in EXTRACTION.items()]
        source = {"name": "pg", "schema": server.settings()["schema"], "config": {"connection": "pg"}}
        sources = {"sources": [{**source, "tables": tables}]}
        self.project.file("models/sources.yml", yaml.safe_dump(sources))
        names = {name: f"{{{{ source('pg', 'machine_{name}') }}}}" for name in "abcd"}
        hook = "{{ 'SELECT * FROM missing' if env_var('DVT_TEST_FAILS', '') else 'SELECT 1' }}"
        for model, sql in MODELS.items():
            config: dict[str, Any] = {"post_hook": hook} if model == "late" else {}
            self.project.model(model, sql.format(**names), materialized="table", **config)

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """Start a command."""
        return self.project.start(*args, env={"HOME": str(self.home), **env}, command=self._command)

    def finish(self, process: subprocess.Popen[str]) -> CommandResult:
        """Return the result of a command."""
        result = self.project.finish(process, timeout=600)
        assert LEASE_LOST not in result.output, result.output
        assert "Traceback" not in result.output, result.output
        return result

    def dvt(self, *args: str) -> CommandResult:
        """Run a command to its end."""
        return self.finish(self.start(*args))

    def versions(self) -> dict[str, int]:
        """Return model → the version that it shows."""
        with duckdb.connect(str(self.root / "wh.duckdb"), read_only=True) as warehouse:
            rows = {name: warehouse.execute(f'FROM "{name}"').fetchall() for name in MODELS}
        return {name: version_of(name, of) for name, of in rows.items()}

    def leftovers(self) -> list[str]:
        """Return the tables that are no model's, and dvt's files that are about a run."""
        with duckdb.connect(str(self.root / "wh.duckdb"), read_only=True) as warehouse:
            tables = warehouse.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        records = (path.name for path in (self.root / ".dvt" / "operations").glob("*"))
        runs = [name for name in records if name != "running" and not name.startswith("operation_")]
        staged = [str(path) for path in (self.root / ".dvt" / "staging").rglob("*") if path.is_file()]
        return [name for (name,) in tables if name not in MODELS] + runs + staged

    def buckets(self) -> list[Any]:
        """Return the project's folder of each bucket."""
        entries = load_buckets("shop", self.root, home=self.home)
        return [InFolder(open_bucket(entries.get(name), self.root), "shop") for name in BUCKETS]

    def staged(self) -> list[str]:
        """Return the keys of all objects in the buckets."""
        return [key for bucket in self.buckets() for key, _ in bucket.list("")]


class Cleaner:
    """Cleans without an end, from any machine; some of its commands are killed."""

    WAYS = (
        ("--bucket", "lake"),
        ("--bucket", "shared"),
        ("--older-than", "0h"),
        ("--older-than", "1h"),
        ("--dry-run", "--json"),
    )
    """Options by which clean-targets stay: a run is at work in them."""

    def __init__(self, machines: list[Machine], seed: int) -> None:
        self.done = self.killed = 0
        self.killed_at = 0.0
        """When a command was last killed: its lease is left."""
        self.failures: list[str] = []
        self._machines = machines
        self._random = random.Random(seed)
        self._quiet = threading.Lock()
        self._stopped = threading.Event()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Clean while the block lasts."""
        thread = threading.Thread(target=self._work)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Begin no command while the block lasts; none is under way in it."""
        with self._quiet:
            yield

    def _work(self) -> None:
        while not self._stopped.wait(self._random.uniform(0.1, 1.0)):
            with self._quiet:
                try:
                    self._clean()
                except (AssertionError, ValueError) as error:
                    self.failures.append(f"{error!r}")

    def _clean(self) -> None:
        machine, args = self._random.choice(self._machines), self._random.choice(self.WAYS)
        process = machine.start("clean", *args)
        if self._random.random() < 1 / 4:
            try:
                process.communicate(timeout=self._random.uniform(0.5, 2.0))
            except subprocess.TimeoutExpired:
                kill(process)
                self.killed += 1
                self.killed_at = time.monotonic()
                return
        result = machine.finish(process)
        assert result.code == 0, result.output
        if "--json" in args:
            assert json.loads(result.output)["buckets"], result.output
        self.done += 1


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command with all that it has started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def damaged(bucket: InFolder) -> list[str]:
    """Return the markers of committed datasets of which a part is not there, or not whole.

    What is being deleted exists for nobody any more. Nobody is deleting in the bucket.
    """
    sizes = dict(bucket.list(""))

    def content(key: str) -> Any:
        with bucket.get(key) as data:
            return json.loads(data.read())

    deleted = [content(key)["folder"] for key in sizes if key.startswith("_deleting/")]
    wrong = []
    for key in sizes:
        folder, _, name = key.rpartition("/")
        if name == MARKER_FILE and not any(is_within(folder, other) for other in deleted):
            marker = content(key)
            parts = [sizes.get(f"{folder}/{file}", -1) for file in marker["files"]]
            if min(parts, default=0) < 0 or sum(parts) != marker["bytes"]:
                wrong.append(key)
    return wrong
