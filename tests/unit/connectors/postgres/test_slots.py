from __future__ import annotations

import threading
import time
from contextlib import ExitStack

from dvt.connectors.postgres.slots import Slots


def test_whoever_comes_too_many_waits_for_one_that_works() -> None:
    slots = Slots(2)
    most, now, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal most, now
        with slots.work():
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.01)
            with lock:
                now -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == 2


def test_nobody_waits_for_those_that_only_hold_a_snapshot() -> None:
    slots = Slots(1)
    with ExitStack() as stack:
        stack.enter_context(slots.hold())
        stack.enter_context(slots.hold())
        stack.enter_context(slots.work())
        assert slots.free == 1


def test_what_is_free_counts_both() -> None:
    slots = Slots(4)
    with slots.hold(), slots.work():
        assert slots.free == 2
    assert slots.free == 4
