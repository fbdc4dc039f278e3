"""A session that cancels another one's statements is opened once, and is closed with it."""

from __future__ import annotations

import threading

from dvt.drivers.cancelling import Canceller
from dvt.testing.background import BackgroundCall


class Service:
    """Knows its open sessions; `answers` holds up who connects."""

    def __init__(self) -> None:
        self.open = 0
        self.connects = 0
        self.ran: list[str] = []
        self.is_asked = threading.Event()
        self.answers = threading.Event()

    def connect(self) -> Service:
        self.connects += 1
        self.is_asked.set()
        assert self.answers.wait(30)
        self.open += 1
        return self

    def run(self, sql: str) -> None:
        self.ran.append(sql)

    def close(self) -> None:
        self.open -= 1


def test_two_threads_that_cancel_open_one_session():
    service = Service()
    canceller = Canceller(service.connect, "CANCEL", (OSError,))
    first = BackgroundCall(canceller.cancel)
    assert service.is_asked.wait(30)
    canceller.cancel()  # while the first one connects
    service.answers.set()
    assert first.finish() is None
    canceller.cancel()
    assert (service.connects, service.ran) == (1, ["CANCEL", "CANCEL"])
    canceller.close()
    assert service.open == 0


def test_a_session_that_is_opened_while_its_query_ends_is_closed():
    service = Service()
    canceller = Canceller(service.connect, "CANCEL", (OSError,))
    cancelling = BackgroundCall(canceller.cancel)
    assert service.is_asked.wait(30)
    closing = BackgroundCall(canceller.close)
    service.answers.set()
    assert (cancelling.finish(), closing.finish()) == (None, None)
    assert service.open == 0


def test_nothing_is_opened_once_the_query_has_ended():
    service = Service()
    canceller = Canceller(service.connect, "CANCEL", (OSError,))
    canceller.close()
    canceller.cancel()
    assert service.connects == 0
