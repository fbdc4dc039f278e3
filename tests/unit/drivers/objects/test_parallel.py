"""Several calls at once, of which at most some are in memory."""

from __future__ import annotations

import threading
import time

import pytest

from dvt.drivers.objects.parallel import in_parallel


def test_answers_come_in_the_order_of_what_was_asked():
    def slow(number):
        time.sleep(0.02 if number % 2 else 0)
        return number * 2

    assert list(in_parallel(slow, range(20), at_once=4)) == [number * 2 for number in range(20)]


def test_no_more_is_taken_than_can_be_answered():
    taken, answered = [], []

    def items():
        for number in range(20):
            taken.append(number)
            assert len(taken) - len(answered) <= 4
            yield number

    for answer in in_parallel(lambda number: number, items(), at_once=3):
        answered.append(answer)  # noqa: PERF402  items() looks at it
    assert answered == list(range(20))


def test_calls_run_at_once():
    meeting = threading.Barrier(3, timeout=60)
    list(in_parallel(lambda _: meeting.wait(), range(3), at_once=3))


def test_after_an_error_nothing_is_begun_and_nothing_runs():
    begun, running = [], set()

    def call(number):
        begun.append(number)
        if number == 1:
            raise KeyError(number)
        running.add(number)
        time.sleep(0.05)
        running.discard(number)

    with pytest.raises(KeyError):
        list(in_parallel(call, range(1000), at_once=3))
    assert len(begun) < 10
    assert not running
