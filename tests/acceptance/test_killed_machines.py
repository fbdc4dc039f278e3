"""`dvt run` on two machines with the same buckets, killed, and `dvt clean` beside: right answers."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dvt.staging.housekeeping.inventory import OWNER
from tests.acceptance.machines import MODELS, RESUMABLE, VALID, Cleaner, Machine, Source, damaged, kill
from tests.acceptance.project import CommandResult

pytestmark = [pytest.mark.slow, pytest.mark.timeout(6000)]

ROUNDS = int(os.environ.get("DVT_TEST_MACHINE_ROUNDS", "1"))
"""Rounds, each with a run that is killed (`make test-long`: 50)."""
MANY = 20
"""Rounds in which everything happens that may happen."""
AHEAD = (600.0, 0.0, -600.0)
"""Seconds by which the machines' clocks are ahead: two that run, and one that only cleans."""
RESUMED, UNCHANGED, CHANGED = "reused from the run of ", "unchanged: reused", r"\d+ deleted\)"
NOTES = (RESUMED, UNCHANGED, CHANGED)
FAILS = {"DVT_TEST_FAILS": "1"}


class Site:
    """Machines at work in rounds."""

    def __init__(self, root: Path, server: Any, buckets: dict[str, dict[str, Any]], seed: int) -> None:
        self.source = Source(server)
        self.random = random.Random(seed)
        keeps = ("after_failure", "always", "after_failure")
        names = ("first", "second", "third")
        self.machines = [
            Machine(
                root / name,
                server,
                {bucket: {**entry, "keep": keep} for bucket, entry in buckets.items()},
                ahead=ahead,
            )
            for name, keep, ahead in zip(names, keeps, AHEAD, strict=True)
        ]
        self.cleaner = Cleaner(self.machines, seed)
        self.notes: Counter[str] = Counter()
        """How often runs have said of an extraction what is in NOTES."""
        self.floor = 0
        """The version that the earliest run may have read that has left something."""

    def start(self, machine: Machine, **env: str) -> tuple[int, subprocess.Popen[str]]:
        """Start a run; return the version of before, too."""
        return self.source.committed, machine.start("run", **env)

    def check(
        self, machine: Machine, started: tuple[int, subprocess.Popen[str]], *, fails: bool = False
    ) -> None:
        """Wait for a run, and check its answers: none is of before it, but for what it has resumed."""
        before, process = started
        result = machine.finish(process)
        assert result.code == int(fails), result.output
        self.notes.update({note: len(re.findall(note, result.output)) for note in NOTES})
        if fails:
            statuses = {name: str(status) for name, status in result.statuses().items()}
            assert statuses == {**dict.fromkeys(MODELS, "success"), "late": "error"}, result.output
        for model, version in machine.versions().items():
            if not (fails and model == "late"):
                floor = self._floor(model, result, before)
                assert floor <= version <= self.source.begun, (model, version, floor, result.output)

    def _floor(self, model: str, result: CommandResult, before: int) -> int:
        is_resumed = model in RESUMABLE and re.search(RESUMED, result.output)
        return self.floor if is_resumed else before

    def run_all(self) -> None:
        """Run the project on both machines at once, and check the answers."""
        started = [(machine, self.start(machine)) for machine in self.machines[:2]]
        for machine, process in started:
            self.check(machine, process)

    def round(self, seconds: float) -> None:
        """Kill a run of one machine, let others fail and succeed, and change the source meanwhile."""
        source, rng = self.source, self.random
        floor = source.committed
        source.change()
        dying, living = rng.sample(self.machines[:2], 2)
        fails = rng.random() < 1 / 2
        _, process = self.start(dying)
        other = self.start(living, **(FAILS if fails else {}))
        time.sleep(rng.uniform(0.3, 1.0) * seconds)
        kill(process)
        source.change()
        self.check(living, other, fails=fails)
        again = [(machine, self.start(machine)) for machine in (dying, living)]
        time.sleep(rng.uniform(0.3, 1.0) * seconds)
        source.change()
        for machine, started in again:
            self.check(machine, started)
        with self.cleaner.resting():
            assert [damaged(bucket) for bucket in living.buckets()] == [[], []]
        self.floor = floor


@pytest.fixture
def site(tmp_path: Path, postgres: Any, stores: Callable[[str], Any]) -> Site:
    minio = stores("minio")
    buckets = {
        "lake": {"type": "s3", **minio.settings(minio.new_bucket())},
        "shared": {"type": "filesystem", "path": str(tmp_path / "shared")},
    }
    return Site(tmp_path, postgres, buckets, seed=int(os.environ.get("DVT_TEST_MACHINE_SEED", "10")))


def test_killed_runs_beside_cleaning_leave_right_answers_and_in_the_end_nothing(site: Site) -> None:
    began = time.monotonic()
    site.run_all()
    seconds = time.monotonic() - began
    with site.cleaner.working():
        for _ in range(ROUNDS):
            site.round(seconds)
            assert not site.cleaner.failures, site.cleaner.failures[0]
    assert site.cleaner.done, "nothing was cleaned beside the runs"
    site.run_all()
    last = site.machines[2]
    time.sleep(max(0.0, site.cleaner.killed_at + VALID - time.monotonic()))  # leases of killed cleans expire
    last.dvt("clean").ok()
    assert last.staged() == [OWNER, OWNER]
    figures = (
        f"{ROUNDS} rounds: {site.notes}; cleaned {site.cleaner.done} times, killed {site.cleaner.killed}"
    )
    sys.stdout.write(figures)  # shown by -rP
    if ROUNDS >= MANY:
        assert all(site.notes[note] for note in NOTES), site.notes
        assert site.cleaner.killed
    assert [machine.leftovers() for machine in site.machines[:2]] == [[], []]
