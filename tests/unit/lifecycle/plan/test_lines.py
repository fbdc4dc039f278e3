"""Lines of plans: files that are due alike are rows of one line, and only what is needed is read again."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from dvt.core.errors import PlanUnusable
from dvt.core.retention import Asking, Policy
from dvt.lifecycle.find.files import FileFinder
from dvt.lifecycle.find.places import Contents, Place
from dvt.lifecycle.plan import plan_file, planning
from dvt.lifecycle.plan.plan_file import Plans
from dvt.lifecycle.plan.planning import Terms
from dvt.lifecycle.retire import plan
from tests.unit.lifecycle.plan.trees import BY_MTIME, DAY, NOW, lines, made, plain

planned_of = plan_file._planned


@pytest.mark.slow
def test_many_files_that_are_alike_are_read_again_page_by_page(monkeypatch):
    monkeypatch.setattr(planning, "_MOST_TEMPLATES", 3)
    tree = {
        ((f"job_{number % 3}",), f"{number}\n.log"): ((40 + number % 5) * DAY, "file", 1 + number % 9)
        for number in range(1500)
    }
    tree |= {((), "twice.log"): (50 * DAY, "twice", 10), ((), "young.log"): (2 * DAY, "file", 10)}
    policy = Policy(data_type="exports", rule=BY_MTIME)
    terms = Terms(policies={"exports": policy}, pins=(), now=NOW, asking=Asking(actor="ana"))
    of = Contents(data_types=("exports",), recursive=True)
    with made(tree) as (root, uses), tempfile.TemporaryDirectory() as folder:
        finders = [FileFinder([Place(path=root, contents=[of])], uses=lambda: uses)]
        planned = plan(finders, terms, Plans(Path(folder)))
        assert lines(planned) == lines(plan(plain(finders), terms, Plans(Path(folder))))
        assert planned.file.stat().st_size < 200 * len(tree)
        items = list(planned.items())
        assert len(items) == planned.head.due["exports"].items == 1500
        assert planned.page(3, 2) == (items[3:5], 5)
        for limit in (1, 7, 256, 1000, 1500, 2000):
            pages, at = [], 0
            while at is not None and len(pages) <= len(items):
                page, at = planned.page(at, limit)
                assert len(page) == limit or at is None
                pages += page
            assert pages == items
        for wrong in (-1, 255, 300, 2**50):
            with pytest.raises(PlanUnusable, match="begins at"):
                planned.page(wrong, 10)


def test_the_first_items_of_each_data_type_are_read_without_all_others(monkeypatch):
    read = []
    monkeypatch.setattr(plan_file, "_planned", lambda line: (read.append(line), planned_of(line))[1])
    tree = {((), f"{number}.log"): (40 * DAY, "file", 10) for number in range(1500)}
    tree |= {((), f"{number}.csv"): (40 * DAY, "file", 10) for number in range(3)}
    policies = {name: Policy(data_type=name, rule=BY_MTIME) for name in ("exports", "others", "none")}
    terms = Terms(policies=policies, pins=(), now=NOW, asking=Asking(actor="ana"))
    of = [Contents(data_types=("exports",), files=("*.log",)), Contents(data_types=("others",))]
    with made(tree) as (root, uses), tempfile.TemporaryDirectory() as folder:
        planned = plan(
            [FileFinder([Place(path=root, contents=of)], uses=lambda: uses)], terms, Plans(Path(folder))
        )
        first = planned.first(300)
        assert len(read) == 3
        for name, number in (("exports", 300), ("others", 3)):
            assert len(first[name]) == number
            assert first[name] == [of for of in planned.items() if of.item.data_type == name][:number]
        assert planned.first(5000)["exports"] == [
            of for of in planned.items() if of.item.data_type == "exports"
        ]
