"""Does several things at once, and never holds more of them than that."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def in_parallel(
    call: Callable[[_Item], _Answer], items: Iterable[_Item], *, at_once: int
) -> Iterator[_Answer]:
    """Yield the answers of a function to items, in their order.

    At most `at_once` items are taken and not answered yet. After an error, which is raised, nothing more is
    begun, and what was begun is over.
    """
    under_way: deque[Future[_Answer]] = deque()
    with _pool(at_once) as pool:
        for item in items:
            if len(under_way) == at_once:
                yield under_way.popleft().result()
            under_way.append(pool.submit(call, item))
            del item  # its memory is the pool's alone
        for future in under_way:
            yield future.result()


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(threads, thread_name_prefix="dvt-objects")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
