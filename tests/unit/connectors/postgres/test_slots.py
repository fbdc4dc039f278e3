"""Slots limit the connections of an output that hold a snapshot or run a query."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

from dvt.drivers.slots import Slots


def test_work_beyond_the_limit_waits_for_a_slot() -> None:
    slots = Slots(2)
    peak, current, lock = 0, 0, threading.Lock()
    pair = threading.Barrier(2, timeout=60)

    def work() -> None:
        nonlocal peak, current
        with slots.work():
            with lock:
                current += 1
                peak = max(peak, current)
            pair.wait()
            time.sleep(0.01)  # more threads would come in, if they might
            with lock:
                current -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert peak == 2


def test_work_does_not_wait_for_held_snapshots() -> None:
    slots = Slots(1)
    with ExitStack() as stack:
        stack.enter_context(slots.hold())
        stack.enter_context(slots.hold())
        stack.enter_context(slots.work())
        assert slots.free == 1


def test_held_and_working_connections_both_take_a_slot() -> None:
    slots = Slots(4)
    with slots.hold(), slots.work():
        assert slots.free == 2
    assert slots.free == 4
