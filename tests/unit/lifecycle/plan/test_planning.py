"""A plan has what is due, why, and the numbers of all that was found; it is whole and signed, or none."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from dvt.core.errors import PlanUnusable
from dvt.core.retention import AgeBy, Asking, CleanupType, Pin, Policy, Reason, Rule, Tally
from dvt.lifecycle.find.files import FileFinder
from dvt.lifecycle.find.places import Contents, Place, mark
from dvt.lifecycle.plan.plan_file import Plans
from dvt.lifecycle.plan.planning import Terms
from dvt.lifecycle.retire import plan
from tests.unit.lifecycle.scenes import snapshot

DAY = 86_400 * 10**9
NOW = time.time_ns()
DELETING = {"dvt.lifecycle.delete", "dvt.lifecycle.back_up", "dvt.lifecycle.restore"}
"""Modules that can change what is found."""
BY_MTIME = frozenset({AgeBy.MODIFIED})


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    mark(Place(path=folder))
    return folder


@pytest.fixture
def plans(tmp_path):
    return Plans(tmp_path / "plans")


def finder(root, **contents):
    return FileFinder(
        [Place(path=root, contents=[Contents(data_types=("exports",), group_by="name", **contents)])]
    )


def terms(cleanup_type=CleanupType.MANUAL, pins=(), share=0.5, now=NOW, **rule):
    rule = Rule(**{"days": 30, "age_by": BY_MTIME, **rule})
    policy = Policy(data_type="exports", rule=rule, max_delete_share=share)
    asking = Asking(actor="ana", cleanup_type=cleanup_type)
    return Terms(policies={"exports": policy}, pins=pins, now=now, asking=asking)


def files(root, **ages):
    for name, days in ages.items():
        (root / name).write_bytes(b"x" * 10)
        os.utime(root / name, ns=(NOW, NOW - days * DAY))


def due(made):
    return {of.item.key.rpartition("/")[2]: of.decision.reason for of in made.items()}


def test_a_plan_has_what_is_due_and_counts_the_rest(root, plans):
    files(root, a1=40, a2=50, a3=31, a4=2, b1=100)
    made = plan([finder(root)], terms(), plans)
    assert due(made) == {"a1": Reason.OLD, "a2": Reason.OLD, "a3": Reason.OLD}
    head = made.head
    assert head.found == {"exports": Tally(items=5, files=5, bytes=50)}
    assert head.due == {"exports": Tally(items=3, files=3, bytes=30)}
    assert head.kept == {
        "exports": {
            Reason.YOUNG: Tally(items=1, files=1, bytes=10),
            Reason.MIN_KEEP: Tally(items=1, files=1, bytes=10),
        }
    }
    assert head.roots == (str(root),)
    assert head.problems == ()


def test_a_plan_is_the_same_when_it_is_read(root, plans):
    files(root, a1=40, a2=50, a3=31)
    made = plan([finder(root)], terms(), plans)
    again = plans.read(made.head.id)
    assert again.head == made.head
    assert list(again.items()) == list(made.items())
    assert plans.ids() == [made.head.id]
    assert made.file.stat().st_mode & 0o777 == 0o600


def test_plans_are_listed_by_when_they_were_made_without_those_of_no_use(root, plans):
    files(root, a1=40, a2=50, a3=31)
    made = [plan([finder(root)], terms(), plans) for _ in range(6)]
    for age, of in enumerate(made):
        os.utime(of.file, (1_800_000_000 - age, 1_800_000_000 - age))
    ids = [of.head.id for of in made]
    assert plans.ids() == ids
    assert [of.head.id for of in plans.newest(4)] == ids[:4]
    made[1].file.write_bytes(made[1].file.read_bytes() + b"x")
    os.utime(made[1].file, (1_799_999_999, 1_799_999_999))
    assert [of.head.id for of in plans.newest(4)] == [ids[0], ids[2], ids[3]]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"a1", b"b1", 1),
        lambda text: text[:-20] + text[-19:],
        lambda text: text[: len(text) // 2],
        lambda text: text + b"\n",
        lambda text: text + text,
        lambda text: b"",
        lambda text: text.split(b"\n", 1)[1],
        lambda text: text.replace(b'"manual"', b'"emergency"'),
    ],
)
def test_a_plan_that_was_changed_is_none(root, plans, change):
    files(root, a1=40, a2=50, a3=31)
    made = plan([finder(root)], terms(), plans)
    text = made.file.read_bytes()
    assert change(text) != text
    made.file.write_bytes(change(text))
    with pytest.raises(PlanUnusable, match="cannot be run"):
        plans.read(made.head.id)


def test_a_plan_of_another_installation_is_none(root, plans, tmp_path):
    files(root, a1=40, a2=50)
    made = plan([finder(root)], terms(), plans)
    other = Plans(tmp_path / "other")
    plan([finder(root)], terms(), other)
    (tmp_path / "other" / made.file.name).write_bytes(made.file.read_bytes())
    with pytest.raises(PlanUnusable, match="made by another installation"):
        other.read(made.head.id)


@pytest.mark.parametrize("name", ["", "none", "../plans/x", ".hidden"])
def test_a_plan_that_is_not_there_is_told(plans, name):
    with pytest.raises(PlanUnusable):
        plans.read(name)


def test_a_plan_that_fails_leaves_nothing(root, plans, tmp_path):
    class Failing(FileFinder):
        def find_or_count(self, now, countable):
            yield from super().find_or_count(now, countable)
            raise OSError("the disk is gone")

    files(root, a1=40, a2=50)
    place = Place(path=root, contents=[Contents(data_types=("exports",))])
    with pytest.raises(OSError, match="the disk is gone"):
        plan([Failing([place])], terms(), plans)
    assert sorted(file.name for file in (tmp_path / "plans").iterdir()) == ["plan.key"]


def test_items_without_a_policy_are_counted_and_stay(root, plans):
    files(root, a1=400)
    made = plan([finder(root)], replace(terms(), policies={}), plans)
    assert due(made) == {}
    assert made.head.kept["exports"] == {Reason.NO_POLICY: Tally(items=1, files=1, bytes=10)}


def test_the_size_of_all_is_kept(root, plans):
    files(root, a1=1, a2=2, a3=3, a4=4)
    made = plan([finder(root)], terms(max_total_bytes=25), plans)
    assert due(made) == {"a3": Reason.TOO_LARGE, "a4": Reason.TOO_LARGE}


def test_a_pin_keeps(root, plans):
    files(root, a1=40, a2=50, a3=60)
    pins = [Pin(id="1", pattern="a2", reason="audit", by="ana", made=0)]
    made = plan([finder(root)], terms(pins=pins), plans)
    assert due(made) == {"a3": Reason.OLD}
    assert made.head.kept["exports"][Reason.PINNED].items == 1


def test_too_much_is_refused_for_automatic_runs(root, plans):
    files(root, a1=40, a2=50, a3=60, a4=1)
    head = plan([finder(root)], terms(min_keep=0), plans).head
    assert head.refusals == ("3 of 4 items of exports would go, which is more than 50% (max_delete)",)
    assert plan([finder(root)], terms(min_keep=0, share=0.75), plans).head.refusals == ()


def test_numbers_and_bytes_are_limits_too(root, plans):
    files(root, a1=40, a2=50, a3=60)
    limited = terms(min_keep=0, share=1.0)
    policy = replace(limited.policies["exports"], max_delete_items=2, max_delete_bytes=29)
    head = plan([finder(root)], replace(limited, policies={"exports": policy}), plans).head
    assert head.refusals == (
        "3 items of exports would go, more than 2 (max_delete_files)",
        "30 bytes of exports would go, more than 29 (max_delete_size)",
    )


def test_a_folder_that_is_refused_is_told(tmp_path, plans):
    (tmp_path / "unmarked").mkdir()
    files(tmp_path / "unmarked", a1=400)
    head = plan([finder(tmp_path / "unmarked")], terms(), plans).head
    assert head.found == {}
    assert "has no marker" in head.problems[0]


def test_a_plan_changes_nothing_and_knows_nothing_that_deletes(root, plans, tmp_path):
    files(root, a1=40, a2=50, a3=31, a4=2)
    (root / "p").mkdir()
    (root / "link").symlink_to("a1")
    before = snapshot(root)
    assert due(plan([finder(root)], terms(), plans))
    assert snapshot(root) == before
    made_of = "dvt.lifecycle.plan.planning, dvt.lifecycle.find.files, dvt.lifecycle.decide"
    script = f"import {made_of}, sys; print([name for name in sys.modules if name in {DELETING}])"
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"
