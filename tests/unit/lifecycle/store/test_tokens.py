"""Tokens of the API: they are stored as hashes, and are valid until they expire or are revoked."""

from __future__ import annotations

import pytest

from dvt.core.access import Role
from dvt.core.errors import NotRecordable
from dvt.lifecycle.store.present import now
from tests.unit.lifecycle.store.making import ANA

DAY = 86_400 * 10**9


def test_a_token_says_whose_it_is(store):
    secret, made = store.tokens.add("ana", Role.OPERATOR, ANA)
    found = store.tokens.of(secret)
    assert (found.id, found.name, found.role) == (made.id, "ana", Role.OPERATOR)
    assert made.last_used is None
    assert found.last_used is not None


@pytest.mark.parametrize("wrong", ["", "dvt_", "dvt_wrong", "\udcff", "x" * 100_000])
def test_another_text_is_no_token(store, wrong):
    store.tokens.add("ana", Role.ADMIN, ANA)
    assert store.tokens.of(wrong) is None


def test_a_token_is_over_when_its_time_is(store):
    secret, made = store.tokens.add("ana", Role.ADMIN, ANA, until=now() + DAY)
    assert store.tokens.of(secret) is not None
    assert store.tokens.of(secret, now() + 2 * DAY) is None
    assert store.tokens.is_valid(made.id)
    assert not store.tokens.is_valid(made.id, now() + 2 * DAY)


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_revoked_token_opens_nothing(store, by):
    secret, made = store.tokens.add("ana", Role.ADMIN, ANA)
    kept, _ = store.tokens.add("bo", Role.ADMIN, ANA)
    assert [of.id for of in store.tokens.revoke(getattr(made, by), ANA)] == [made.id]
    assert store.tokens.of(secret) is None
    assert not store.tokens.is_valid(made.id)
    assert [of.name for of in store.tokens.valid()] == ["bo"]
    assert store.tokens.of(kept) is not None
    assert store.tokens.revoke("ana", ANA) == ()


def test_a_token_is_nowhere_in_the_store(store, file):
    secret, _ = store.tokens.add("ana", Role.ADMIN, ANA)
    store.tokens.of(secret)
    content = b"".join(other.read_bytes() for other in file.parent.iterdir() if other.is_file())
    assert b"ana" in content
    assert secret.encode() not in content
    assert secret.removeprefix("dvt_").encode() not in content


def test_tokens_are_made_and_revoked_on_record(store):
    store.tokens.add("ana", Role.ADMIN, ANA)
    store.tokens.revoke("ana", ANA)
    assert [event.key for event in store.records.events()] == ["token_added", "token_revoked"]
    assert store.verify_chain().is_whole


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a" * 101, "a\0", "\u202eevil"])
def test_a_name_that_could_mislead_is_refused(store, name):
    with pytest.raises(NotRecordable):
        store.tokens.add(name, Role.VIEWER, ANA)
