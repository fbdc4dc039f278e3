"""Makes up a project's folder in a bucket, in which dvt's own lies between what is not its own.

What is to become of each object is known from how it was made, and not from the code that is tested.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import timedelta

HOUR = 3600.0
FOREIGN = (
    "notes.txt", "{run}.txt", "_owner.json.bak", "{run}/readme", "{run}/crm/readme", "_state/x.json",
    "state.json", "_state/crm/t/x/other.json", "_leases/lease.json", "_leases/a/b/lease.json",
    "_deleting/dataset.json", "_other/x", "{run}\n/crm/aa11/part-0-0.parquet",
    "{run}/crm/aa11\n/part-0-0.parquet", "{RUN}/crm/aa11/part-0-0.parquet",
    "{run}/CRM/aa11/part-0-0.parquet", "{run}/crm/aa11", "{run}/_results/part-0-0.parquet", "-rf",
    "{run}/%2e%2e/x", "{run}/crm/aa11x/part-0-0.parquet/data.parquet",
    "{run}/_results/x/y/part-0-0.parquet", "a b/ü/{run}/x", "*", "{run}/crm/a_b/_committed.json",
    "_results/crm/aa11/part-0-0.parquet",
)  # fmt: skip
"""Keys that look nearly like dvt's."""
STRANGERS = (
    "notes.txt",
    "part-0-0.parquet.bak",
    "part-0-0.parquet\n",
    "more/part-0-0.parquet",
    "_committed.json~",
)
"""Names of what somebody may have put into a folder of dvt's."""


@dataclass
class Case:
    """A project's folder, and what is to become of it."""

    content: dict[str, bytes] = field(default_factory=dict)
    ages: dict[str, float] = field(default_factory=dict)
    """Key → seconds since it was put."""
    goes: set[str] = field(default_factory=set)
    stays: set[str] = field(default_factory=set)
    runs: dict[str, bool] = field(default_factory=dict)
    """Runs that this machine knows, and whether they are alive."""
    older_than: timedelta | None = None

    def put(self, keys, age, content=b"x", *, goes):
        """Add objects of which the newest has this age."""
        for number, key in enumerate(keys):
            self.content[key] = content
            self.ages[key] = age + number * HOUR
            (self.goes if goes else self.stays).add(key)


class Maker:
    """Makes up cases from a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.case = Case()

    def make(self):
        """Return a case."""
        case, rng = self.case, self.random
        case.older_than = rng.choice([None, timedelta(hours=24), timedelta(0)])
        self.leases = {}
        runs = [self.run(number) for number in range(rng.randrange(5))]
        for run, at_work in runs:
            self.datasets_of(run, at_work)
        for run, lease in self.leases.items():
            self.lease(run, **lease)
        for number in range(rng.randrange(3)):
            self.lone_state(number)
        for _ in range(rng.randrange(4)):
            self.foreign()
        return case

    def is_old(self, age):
        older = self.case.older_than
        return older is None or age > older.total_seconds()

    def age(self):
        return self.random.choice([-2 * HOUR, 60.0, 12 * HOUR, 30 * HOUR, 100 * 24 * HOUR])

    def name(self, length=10):
        return "".join(self.random.choices("abcxyz0189", k=length))

    def run(self, number):
        """Make up a run: return its name, and whether it is at work."""
        name, rng = f"r{number}{self.name(8)}", self.random
        lease = rng.choice(["none", "none", "valid", "expired", "dead here"])
        alive_here = lease == "none" and rng.random() < 0.2
        if alive_here or lease == "dead here":
            self.case.runs[name] = alive_here
        if lease != "none":
            self.leases[name] = {"is_valid": lease != "expired", "void": lease == "dead here", "uses": set()}
        return name, lease == "valid" or alive_here

    def datasets_of(self, run, at_work):
        """Put what a run has staged, and what names it."""
        rng, case = self.random, self.case
        for _ in range(rng.randrange(4)):
            kind = rng.choice(["crm", "a~20b", "_results"])
            folder, age = f"{run}/{kind}/{self.name()}", self.age()
            files = [f"{folder}/part-{rng.randrange(9)}-{part}.parquet" for part in range(rng.randrange(3))]
            files += [f"{folder}/_committed.json"] if rng.random() < 0.8 or not files else []
            rng.shuffle(files)
            used = kind != "_results" and rng.random() < 0.2 and self.use(folder)
            stranger = rng.random() < 0.15
            state_age = self.age() if kind != "_results" and rng.random() < 0.4 else None
            newest = min(age, age if state_age is None else state_age)
            cut_off = kind != "_results" and rng.random() < 0.1
            if stranger:
                case.put([f"{folder}/{rng.choice(STRANGERS)}"], age, goes=False)
            goes = not (at_work or used or stranger) and (cut_off or self.is_old(newest))
            case.put(files, age, goes=goes)
            if state_age is not None:
                key = f"_state/crm/{self.name()}/{self.name()}/state.json"
                case.put([key], state_age, self.state(folder), goes=goes)
            if cut_off:
                content = json.dumps({"format": 1, "folder": folder, "run": "gone"}).encode()
                case.put([f"_deleting/{self.name()}/dataset.json"], self.age(), content, goes=goes)

    def use(self, folder):
        """Have a run that is at work elsewhere read a dataset; return whether there is one."""
        valid = [lease for lease in self.leases.values() if lease["is_valid"] and not lease["void"]]
        if valid:
            self.random.choice(valid)["uses"].add(folder)
        return bool(valid)

    def state(self, folder):
        return json.dumps({"format": 1, "dataset": folder}).encode()

    def lease(self, run, *, is_valid, void, uses):
        """Put a lease, valid for ten minutes from its put."""
        age = 30.0 if is_valid else self.random.choice([700.0, 90 * HOUR])
        content = json.dumps({"format": 1, "run": run, "seconds": 600.0, "uses": sorted(uses)}).encode()
        # However young it is, it keeps nothing; but by an expired one later runs find what they may take.
        left = not is_valid and any(key.startswith(f"{run}/") for key in self.case.stays)
        goes = (void or not is_valid) and not left
        self.case.put([f"_leases/{run}/lease.json"], age, content, goes=goes)

    def lone_state(self, number):
        """Put a state whose dataset is not there, or that says nothing."""
        age = self.age()
        content = self.random.choice(
            [self.state("gone1/crm/aa11"), b"", b"[]", b'{"dataset": ["x"]}', b"\xff"]
        )
        self.case.put([f"_state/crm/t{number}/{self.name()}/state.json"], age, content, goes=self.is_old(age))

    def foreign(self):
        """Put what is not dvt's, nowhere in a folder that is deleted."""
        key = self.random.choice(FOREIGN).format(run=f"f{self.name(9)}", RUN=f"F{self.name(9)}".upper())
        # What may be a lease of a later version covers all for as long as a lease is valid.
        self.case.put([key], 30 * HOUR if key.startswith("_leases/") else self.age(), goes=False)
