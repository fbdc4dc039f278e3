"""Names of objects, in a bucket that is a folder of a store or all of it."""

from __future__ import annotations

import pytest

from dvt.drivers.objects.names import ObjectNames


@pytest.mark.parametrize("prefix", ["", "stag", "stag/ing"])
def test_the_name_of_a_key_gives_the_key(prefix: str):
    names = ObjectNames(prefix)
    for key in ("run/x", "x", "a b/ü/%2F", "stag/x"):
        assert names.key(names.of(key)) == key
        assert names.of(key).startswith(names.below("", root=True))


def test_a_folder_is_not_the_beginning_of_another_ones_name():
    names = ObjectNames("stag")
    assert names.below("run") == "stag/run/"
    assert names.below("", root=True) == "stag/"
    assert ObjectNames("").below("", root=True) == ""


@pytest.mark.parametrize("prefix", ["", "stag"])
@pytest.mark.parametrize("key", ["", "/", "/x", "x/", "a//b", ".", "..", "a/../b", "../x"])
def test_what_is_no_place_inside_has_no_name(prefix: str, key: str):
    names = ObjectNames(prefix)
    with pytest.raises(ValueError, match="inside"):
        names.of(key)
    with pytest.raises(ValueError, match="inside"):
        names.below(key)


@pytest.mark.parametrize("prefix", ["/", "/stag", "stag/", "stag//ing", ".."])
def test_a_prefix_is_a_folder_inside_the_store(prefix: str):
    with pytest.raises(ValueError, match="inside"):
        ObjectNames(prefix)
