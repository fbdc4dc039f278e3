"""Files that are only counted are counted as if each had been looked at: the plan is the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvt.core.found import EVER, Countable, Counted, Similar
from dvt.core.retention import Action, AgeBy, Asking, CleanupType, Item, Match, Pin, Policy, Reason, Rule
from dvt.drivers.file_uses import FileUses
from dvt.lifecycle.find.counting import Counter
from dvt.lifecycle.find.files import FileFinder
from dvt.lifecycle.find.places import Contents, Place
from dvt.lifecycle.plan import planning
from dvt.lifecycle.plan.plan_file import Plans
from dvt.lifecycle.plan.planning import Terms, survey
from dvt.lifecycle.plan.second_process import SecondProcess
from dvt.lifecycle.retire import plan
from tests.unit.lifecycle.plan.trees import BY_MTIME, DAY, NOW, lines, made, plain

names = st.sampled_from(
    [
        "a-1.log",
        "a-2.log",
        "a-10.log",
        "b.csv",
        "b2.csv",
        "ü.log",
        "x\ny.log",
        "back\\slash.log",
        "\udcff.log",
        "golden",
        "packed.gz",
        '"100%s"',
    ]
)
folders = st.sampled_from([(), ("p",), ("p",), ("p", "q"), ("new\nline",)])
ages = st.sampled_from([-1, 0, 1, 2, 3, 9, 9, 11, 11, 20, 20, 29, 30, 90]).flatmap(
    lambda days: st.sampled_from([days * DAY - 1, days * DAY, days * DAY + 1, days * DAY + DAY // 2])
)
kinds = st.sampled_from(["file", "file", "file", "file", "open", "link", "twice"])
trees = st.dictionaries(
    st.tuples(folders, names), st.tuples(ages, kinds, st.integers(1, 3000)), min_size=6, max_size=20
)
numbers = st.sampled_from([0, 0, 1, 2])
rules = st.builds(
    Rule,
    days=st.sampled_from([0.2, 1, 9, 30, 30, 30.5]),
    action=st.sampled_from(Action),
    enabled=st.sampled_from([True] * 9 + [False]),
    min_keep=numbers,
    keep_last=numbers,
    keep_daily=st.sampled_from([0] * 9 + [1]),
    max_total_bytes=st.sampled_from([None] * 9 + [4096]),
    age_by=st.sampled_from(
        [
            *[frozenset({AgeBy.MODIFIED})] * 5,
            frozenset({AgeBy.MODIFIED, AgeBy.RECORDED}),
            frozenset(AgeBy),
            frozenset({AgeBy.RECORDED}),
        ]
    ),
    grace=st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(days=10)]),
)
matches = st.builds(Match, glob=st.sampled_from([(), ("*.csv",)]), larger_than=st.sampled_from([None, 1000]))
policies = st.builds(
    Policy,
    data_type=st.just("exports"),
    rule=rules,
    special=st.sampled_from([0, 1]).flatmap(
        lambda size: st.lists(st.tuples(matches, rules), min_size=size, max_size=size).map(tuple)
    ),
    protect=st.sampled_from([(), (), ("*golden*",), ("*/p/*",)]),
)
pins = st.builds(
    lambda of, until: [
        Pin(id="1", pattern=pattern, kind=kind, reason="audit", by="ana", made=0, until=until)
        for kind, pattern in of.items()
    ],
    st.sampled_from([{}, {}, {"file": "*a-1*"}, {"file": "*"}, {"pipeline": "a"}, {"tag": "finance"}]),
    st.sampled_from([None, NOW, NOW + 1]),
)
contents = st.lists(
    st.builds(
        Contents,
        data_types=st.sampled_from([("exports",), ("others",)]),
        files=st.sampled_from([("*",), ("*.log",), ("*.csv", "a*")]),
        recursive=st.sampled_from([True, True, False]),
        group_by=st.sampled_from(["none", "none", "folder", "name"]),
        tags=st.sampled_from([(), ("finance",)]),
    ),
    min_size=1,
    max_size=2,
)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(trees, contents, policies, pins, st.sampled_from(CleanupType))
def test_a_plan_is_the_same_whether_files_are_counted_or_looked_at(tree, of, policy, pinned, cleanup_type):
    asking = Asking(actor="ana", cleanup_type=cleanup_type)
    terms = Terms(policies={"exports": policy}, pins=pinned, now=NOW, asking=asking)
    with made(tree) as (root, uses), tempfile.TemporaryDirectory() as folder:
        plans = Plans(Path(folder))
        finders = [FileFinder([Place(path=root, contents=of)], uses=lambda: uses)]
        assert lines(plan(finders, terms, plans)) == lines(plan(plain(finders), terms, plans))
        assert survey(finders, terms) == survey(plain(finders), terms)


def counted(root, of, policy, **terms):
    """Return what a plan counts without looking at it, as data type, reason and number."""
    seen = []

    class Watched(FileFinder):
        def find_or_count(self, now, countable):
            for found in super().find_or_count(now, countable):
                if isinstance(found, Counted):
                    seen.append((found.data_type, found.reason, found.tally.items))
                yield found

    asking = Asking(actor="ana")
    policies = {} if policy is None else {"exports": policy}
    with tempfile.TemporaryDirectory() as folder:
        made_by = Terms(policies=policies, pins=(), now=NOW, asking=asking, **terms)
        plan([Watched([Place(path=root, contents=[of])], uses=FileUses)], made_by, Plans(Path(folder)))
    return seen


TEN = {((), f"{number}.log"): (9 * DAY, "file", 10) for number in range(10)}


def test_young_files_are_counted_and_not_looked_at():
    policy = Policy(data_type="exports", rule=BY_MTIME)
    with made(TEN) as (root, _):
        assert counted(root, Contents(data_types=("exports",)), policy) == [("exports", Reason.YOUNG, 10)]
        by_folder = Contents(data_types=("exports",), group_by="folder")
        assert counted(root, by_folder, policy) == [("exports", Reason.YOUNG, 9)]
        assert counted(root, by_folder, replace(policy, rule=replace(BY_MTIME, keep_daily=1))) == []


def test_files_are_not_counted_where_rules_go_by_several_times():
    by_ctime = Rule(days=36_500, age_by=frozenset({AgeBy.CHANGED}))
    # By their `ctime`, which is the time of this test, they are younger than this; by their `mtime` older.
    special = replace(BY_MTIME, days=(NOW - time.time_ns()) / DAY + 10)
    policy = Policy(data_type="exports", rule=by_ctime, special=((Match(glob=("*.csv",)), special),))
    tree = {((), f"{number}.csv"): (900 * DAY, "file", 10) for number in range(3)}
    terms = Terms(policies={"exports": policy}, pins=(), now=NOW, asking=Asking(actor="ana"))
    with made(tree) as (root, uses), tempfile.TemporaryDirectory() as folder:
        place = Place(path=root, contents=[Contents(data_types=("exports",))])
        head = plan([FileFinder([place], uses=lambda: uses)], terms, Plans(Path(folder))).head
    assert head.due["exports"].items == len(tree)


@pytest.mark.parametrize("action", [Action.DELETE, Action.COMPRESS])
def test_files_that_are_due_are_written_down_without_an_item_of_each(action):
    policy = Policy(data_type="exports", rule=replace(BY_MTIME, days=2, action=action))
    terms = Terms(policies={"exports": policy}, pins=(), now=NOW, asking=Asking(actor="ana"))
    kinds = []

    class Watched(FileFinder):
        def find_or_count(self, now, countable):
            for found in super().find_or_count(now, countable):
                kinds.extend([type(found)] * (len(found.rows) if isinstance(found, Similar) else 1))
                yield found

    with made(TEN) as (root, _), tempfile.TemporaryDirectory() as folder:
        finders = [Watched([Place(path=root, contents=[Contents(data_types=("exports",))])], uses=FileUses)]
        found = lines(plan(finders, terms, Plans(Path(folder))))
        assert kinds == [Item if action is Action.COMPRESS else Similar] * 10
        assert found == lines(plan(plain(finders), terms, Plans(Path(folder))))


def test_of_each_file_it_is_said_by_which_time_it_is_young():
    policy = Policy(data_type="exports", rule=Rule(days=2))
    now = time.time_ns() + 40 * DAY + DAY // 2
    terms = Terms(policies={"exports": policy}, pins=(), now=now, asking=Asking(actor="ana"))
    with made({}) as (root, uses), tempfile.TemporaryDirectory() as folder:
        for name, age in (("a", 50), ("b", 40), ("c", 50), ("d", 40)):
            (root / name).touch()
            os.utime(root / name, ns=(now - age * DAY, now - age * DAY))
        place = Place(path=root, contents=[Contents(data_types=("exports",))])
        finders = [FileFinder([place], uses=lambda: uses)]
        items, head = lines(plan(finders, terms, Plans(Path(folder))))
        assert (items, head) == lines(plan(plain(finders), terms, Plans(Path(folder))))
    told = ["its inode was changed then" in planned.decision.text for planned in items]
    assert told == [True, False, True, False]


def test_files_without_a_valid_policy_are_counted_and_not_looked_at():
    disabled = Policy(data_type="exports", rule=replace(BY_MTIME, days=1, enabled=False))
    with made(TEN) as (root, _):
        of = Contents(data_types=("exports",), group_by="name")
        assert counted(root, of, None) == [("exports", Reason.NO_POLICY, 10)]
        assert counted(root, of, disabled) == [("exports", Reason.DISABLED, 10)]


@pytest.mark.parametrize(
    "special",
    [replace(BY_MTIME, days=1), replace(BY_MTIME, enabled=False), replace(BY_MTIME, age_by=frozenset(AgeBy))],
)
@pytest.mark.parametrize("names", ["*3.log", "*[!3].log"])
def test_files_with_a_rule_of_their_own_are_not_taken_for_others(special, names):
    policy = Policy(data_type="exports", rule=BY_MTIME, special=((Match(glob=(names,)), special),))
    terms = Terms(policies={"exports": policy}, pins=(), now=NOW, asking=Asking(actor="ana"))
    with made(TEN) as (root, uses), tempfile.TemporaryDirectory() as folder:
        finders = [
            FileFinder([Place(path=root, contents=[Contents(data_types=("exports",))])], uses=lambda: uses)
        ]
        assert lines(plan(finders, terms, Plans(Path(folder)))) == lines(
            plan(plain(finders), terms, Plans(Path(folder)))
        )


WIDE = {
    ((f"job_{number % 7}",) if number % 8 else (), f"{name}-{number}.log"): (age * DAY, kind, number)
    for number, (name, age, kind) in enumerate(
        [
            (name, age, kind)
            for name in "ab"
            for age in (2, 20, 40, 60)
            for kind in ("file", "file", "file", "link")
        ]
        * 3
    )
}


@pytest.mark.parametrize("group_by", ["none", "name", "folder"])
@pytest.mark.parametrize("has_failed", [False, True])
def test_a_plan_is_the_same_whether_a_second_process_looks_into_half_of_the_folders(
    monkeypatch, group_by, has_failed
):
    monkeypatch.setattr(planning, "may_have_one", lambda: True)
    ends = []

    def ended(self):
        ends.append(has_succeeded(self))
        return ends[-1] and not has_failed

    has_succeeded = SecondProcess.has_succeeded
    monkeypatch.setattr(SecondProcess, "has_succeeded", ended)
    of = Contents(data_types=("exports",), recursive=True, group_by=group_by)
    policy = Policy(data_type="exports", rule=replace(BY_MTIME, keep_last=3))
    terms = Terms(policies={"exports": policy}, pins=(), now=NOW, asking=Asking(actor="ana"))
    with made(WIDE) as (root, uses), tempfile.TemporaryDirectory() as folder:
        finders = [FileFinder([Place(path=root, contents=[of])], uses=lambda: uses)]
        items, head = lines(plan(finders, terms, Plans(Path(folder))))
        assert ends == [True]
        assert (items, head) == lines(plan(plain(finders), terms, Plans(Path(folder))))
    assert head["found"]["exports"]["items"] == len(WIDE)
    assert items


def test_a_second_process_that_dies_loses_nothing(monkeypatch):
    monkeypatch.setattr(planning, "may_have_one", lambda: True)
    monkeypatch.setattr(planning, "_help", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    policy = Policy(data_type="exports", rule=BY_MTIME)
    terms = Terms(policies={"exports": policy}, pins=(), now=NOW, asking=Asking(actor="ana"))
    with made(WIDE) as (root, uses), tempfile.TemporaryDirectory() as folder:
        of = Contents(data_types=("exports",), recursive=True)
        head = plan(
            [FileFinder([Place(path=root, contents=[of])], uses=lambda: uses)], terms, Plans(Path(folder))
        ).head
    assert head.found["exports"].items == len(WIDE)


THREADS = """
import os, threading
os.sched_getaffinity = lambda _process: {0, 1}
from dvt.app.interrupts import ended_soon_after_ctrl_c
from dvt.lifecycle.plan.second_process import may_have_one
with ended_soon_after_ctrl_c():
    print(may_have_one())
    is_over = threading.Event()
    thread = threading.Thread(target=is_over.wait)
    thread.start()
    print(may_have_one())
    is_over.set()
"""


def test_commands_have_a_second_process_and_servers_have_none():
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_a_file_of_another_device_is_looked_at():
    everything = Countable(reason=Reason.YOUNG, after=-EVER, until=EVER, age_by=frozenset({AgeBy.MODIFIED}))
    with made(TEN) as (root, uses):
        place = Place(path=root, contents=[Contents(data_types=("exports",), files=("*.log",))])
        for device, number in ((root.stat().st_dev, 0), (root.stat().st_dev + 1, 10)):
            counter = Counter(place, {"exports": everything}, uses, device)
            with os.scandir(root) as entries:
                assert len(list(counter.others(entries, ()))) == number
            assert sum(of.tally.items for of in counter.counted()) == 10 - number
