"""The chart beside a policy's form: what there would have been."""

from __future__ import annotations

import re

import pytest

from dvt.core.retention import Policy, Rule
from dvt.lifecycle.reports.simulations import Comparison
from dvt.lifecycle.simulate import Evidence, Steps, simulate
from dvt.web.masking import Mask
from dvt.web.pages.context import CLEANUP
from dvt.web.pages.usage import HEIGHT, WIDTH, usage
from tests.unit.lifecycle.simulate.worlds import NOW, item

FRAGMENT = {"X-Fragment": "1"}


def drawn(ages, *, days=(2, 5), over=10, problems=()):
    wanted, valid = (Policy(data_type="x", rule=Rule(days=of)) for of in days)
    items = [item(f"/{age}", age) for age in ages]
    evidence = Evidence(data_type="x", changes=(), items=items, looks=(), pins=(), problems=problems)
    results = simulate(evidence, [wanted, valid], Steps(NOW, over))
    return usage(Comparison(wanted=results[0], valid=results[1]), Mask([]))


def points(line):
    return [tuple(map(float, point.split(","))) for point in line.points.split()]


def test_lines_are_within_the_drawing_and_in_its_scale():
    of = drawn([8.5, 6.5, 3.5, 0.5])
    assert [line.style for line in of.lines] == ["known", "valid", "wanted"]
    for line in of.lines:
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points(line))
    area, valid, wanted = map(points, of.lines)
    assert area[-2:] == [(WIDTH, 0), (WIDTH, HEIGHT)]
    assert (wanted[-1], valid[-1]) == ((WIDTH, HEIGHT * 3 / 4), (WIDTH, HEIGHT / 2))
    assert of.marks == ["400 B", "200 B", "0"]
    assert [line.now for line in of.lines] == ["400 B", "200 B", "100 B"]


def test_the_table_has_what_the_lines_have_and_not_too_many_rows():
    of = drawn([40.5, 0.5], over=90)
    assert of.titles == ["with this policy", "with the valid policy", "in fact"]
    assert len(of.rows) == 13
    assert of.rows[-1] == ["2024-10-04", "100 B", "100 B", "200 B"]
    assert of.dates[-1] == "2024-10-04"


def test_the_valid_policy_is_drawn_once():
    of = drawn([3.5], days=(5, 5))
    assert [line.name for line in of.lines] == ["in fact", "with this policy, the valid one"]


def test_nothing_is_drawn_where_nothing_is_known():
    assert not drawn([]).lines


def test_paths_of_the_machine_are_masked():
    assert "not looked at: …/place is gone" in drawn([1.5], problems=["/secret/place is gone"]).notes


@pytest.mark.slow
def test_what_is_filled_in_is_drawn_beside_the_valid_policy(served, admin, viewer):
    served.files.log("a.log", age=30.5)
    served.files.log("b.log", age=5.5)
    address = f"{CLEANUP}/policies/dbt_logs/simulate"
    text = admin.post(address, data={"days": "40", "over": "365"}, headers=FRAGMENT).text
    assert text.count("<polyline") == 2
    assert "with the valid policy" in text
    assert "in the last 368 days" in text
    assert re.search(r'<svg[^>]*role="img"[^>]*aria-label="Disk use of dbt_logs', text)
    assert "<caption" in text
    assert "no cleanup is on record" in text
    assert "<polyline" not in admin.post(address, data={"days": "x"}, headers=FRAGMENT).text
    assert "in the last 90 days" in admin.post(address, data={"over": "<script>"}, headers=FRAGMENT).text
    assert admin.post(f"{CLEANUP}/policies/nonsense/simulate", data={}).status_code == 404
    assert viewer.post(address, data={}).status_code == 403


@pytest.mark.slow
def test_without_anything_it_is_said_that_there_is_nothing(admin):
    text = admin.post(f"{CLEANUP}/policies/dbt_logs/simulate", data={}, headers=FRAGMENT).text
    assert "Nothing of dbt_logs is known in the last 90 days" in text
