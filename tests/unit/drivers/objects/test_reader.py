"""Reading an object over connections that break, without a store."""

from __future__ import annotations

import hashlib
import io

import pytest

from dvt.drivers.objects import reader
from dvt.drivers.objects.reader import ObjectSource, open_object

CONTENT = bytes(range(256)) * 100


class Broken(Exception):
    """What a library raises when a connection breaks."""


class Failed(Exception):
    """dvt's error of the same."""


class Damaged(Exception):
    """dvt's error of an object that is another."""


class Connection:
    """Gives some bytes of an object, and then breaks or ends."""

    def __init__(self, data, gives, error):
        self._data, self._left, self._error = io.BytesIO(data), gives, error
        self.closed = False

    def readinto(self, buffer):
        if not self._left:
            if self._error:
                raise Broken
            return 0
        count = self._data.readinto(memoryview(buffer)[: min(self._left, 1000)])
        self._left -= count
        return count

    def close(self):
        self.closed = True


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    waits = []
    monkeypatch.setattr(reader, "wait", waits.append)
    return waits


def source(connections, opened, *, content=CONTENT, expected=CONTENT, error=True):
    gives = iter(connections)

    def open_at(position):
        opened.append((position, Connection(content[position:], next(gives), error)))
        return opened[-1][1]

    return ObjectSource(
        size=len(expected),
        open_at=open_at,
        checksum=hashlib.sha256,
        expected=hashlib.sha256(expected).digest(),
        broken=(Broken,),
        failure=lambda error: Failed(),
        damage=Damaged,
    )


@pytest.mark.parametrize("error", [True, False], ids=["breaks", "ends early"])
def test_a_connection_that_breaks_is_followed_by_another_one_where_it_was(error):
    opened = []
    with open_object(source([3000, 0, 1, 10**6], opened, error=error)) as data:
        assert data.read() == CONTENT
    assert [position for position, _ in opened] == [0, 3000, 3000, 3001]
    assert all(connection.closed for _, connection in opened)


def test_an_object_is_read_piece_by_piece():
    opened = []
    with open_object(source([500, 10**6], opened)) as data:
        assert b"".join(iter(lambda: data.read(777), b"")) == CONTENT


def test_connections_that_break_without_a_byte_between_are_an_error_in_the_end(no_waiting):
    opened = []
    with open_object(source([1000, *[0] * 20], opened)) as data, pytest.raises(Failed):
        data.read()
    assert no_waiting == [1, 2, 3, 4, 5]


def test_connections_that_break_after_each_byte_are_none():
    with open_object(source([100] * 1000, [])) as data:
        assert data.read() == CONTENT


@pytest.mark.parametrize("size", [-1, 1000, len(CONTENT)])
def test_who_has_read_the_last_byte_has_read_the_object(size):
    """Also who asks for no more bytes than there are, and so never sees the end."""
    changed = CONTENT[:-1] + b"!"
    with open_object(source([10**6], [], content=changed)) as data, pytest.raises(Damaged):
        list(iter(lambda: data.read(size), b""))


def test_what_is_not_read_to_the_end_is_closed():
    opened = []
    with open_object(source([10**6], opened)) as data:
        data.read(1)
    assert opened[0][1].closed


def test_an_empty_object_is_read_without_a_connection():
    with open_object(source([], [], expected=b"")) as data:
        assert data.read() == b""
