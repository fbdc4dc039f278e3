"""Several data types and places: a file is of one of them, by whatever name it is reached."""

from __future__ import annotations

import os

import pytest

from dvt.lifecycle.find.files import FileFinder
from dvt.lifecycle.find.places import Contents, Place, mark

NOW = 0


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "ops"
    folder.mkdir()
    mark(Place(path=folder))
    return folder


def test_an_item_is_of_the_same_data_type_whichever_are_asked_for(root):
    (root / "deep").mkdir()
    mark(Place(path=root / "deep"))
    for name in ("a.csv", "a.txt", "deep/b.txt"):
        (root / name).touch()
    tables = Contents(data_types=("tables",), files=("*.csv",), recursive=True)
    places = [
        Place(path=root, contents=[tables, Contents(data_types=("others",), recursive=True)]),
        Place(path=root / "deep", contents=[Contents(data_types=("deep",))]),
    ]

    def names(*wanted):
        items = FileFinder(places, wanted=wanted).find(NOW)
        return {(item.data_type, os.path.relpath(item.key, root)) for item in items}

    assert names() == {("tables", "a.csv"), ("others", "a.txt"), ("deep", "deep/b.txt")}
    assert names("others") == {("others", "a.txt")}
    assert names("others", "deep") == {("others", "a.txt"), ("deep", "deep/b.txt")}
    assert FileFinder(places, wanted=["others"]).data_types == ("others",)


def test_what_is_reached_by_two_names_is_found_by_one(root, tmp_path):
    (root / "deep").mkdir()
    for name in ("a.csv", "deep/b.csv"):
        (root / name).touch()
    names = [tmp_path / "whole", tmp_path / "part"]
    names[0].symlink_to(root)
    names[1].symlink_to(root / "deep")
    mark(Place(path=root / "deep"))
    places = [
        Place(path=path, contents=[Contents(data_types=(path.name,), recursive=True)], follow_links=True)
        for path in (root, *names)
    ]
    for wanted, keys in (
        ((), {"ops/a.csv", "part/b.csv"}),
        (("ops",), {"ops/a.csv"}),
        (("whole",), set()),
    ):
        finder = FileFinder(places, wanted=wanted)
        assert {os.path.relpath(item.key, tmp_path) for item in finder.find(NOW)} == keys
        problems = [f"{names[0]} is the same folder as {root}: nothing in it was touched"]
        assert [of.message for of in finder.problems] == ([] if wanted == ("ops",) else problems)


def test_what_a_project_is_described_by_is_no_item(root):
    (root / ".git").mkdir()
    for name in (
        "lifecycle.yml",
        "dbt_project.yml",
        "profiles.yml",
        "buckets.yml",
        "computes.yml",
        ".git/x",
        "a.yml",
    ):
        (root / name).touch()
    place = Place(path=root, contents=[Contents(data_types=("exports",), recursive=True)])
    assert [item.key for item in FileFinder([place]).find(NOW)] == [str(root / "a.yml")]
