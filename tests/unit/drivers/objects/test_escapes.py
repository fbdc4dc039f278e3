"""Names that a store does not keep are written as others, and read as they were."""

from __future__ import annotations

import random

import pytest

from dvt.drivers.objects.escapes import Escapes

ESCAPES = Escapes("\\:\n", final=".", reserved=frozenset({".snapshot"}))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("run/a\\b", "run/a␛5Cb"),
        ("run/a:b\n", "run/a␛3Ab␛0A"),
        ("dot./end.", "dot␛2E/end␛2E"),
        (".snapshot/.snapshots", "␛2Esnapshot/.snapshots"),
        ("a.b/%5C", "a.b/%5C"),
        ("␛5C", "␛␛5C"),
    ],
)
def test_what_a_store_does_not_keep_is_written_by_its_number(path, name):
    assert ESCAPES.do(path) == name
    assert ESCAPES.undo(name) == path


def test_every_path_comes_back_and_none_is_another():
    rng = random.Random(1)
    paths = {
        "/".join(rng.choice(["␛", "␛5C", "\\", ".", "a", "5C", "\n"]) * 2 for _ in range(4))
        for _ in range(2000)
    }
    paths |= {"".join(rng.choice("␛5C\\./a") for _ in range(8)) for _ in range(2000)}
    assert {ESCAPES.undo(ESCAPES.do(path)) for path in paths} == paths
    assert len({ESCAPES.do(path) for path in paths}) == len(paths)
    assert not [name for name in map(ESCAPES.do, paths) if set("\\:\n") & set(name)]
