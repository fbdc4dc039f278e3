"""The `dvt` command of another machine: its clock may be wrong, and its leases expire soon.

`command` starts it, in place of `DVT`: this file is run as a script, which changes the process and then calls
the command line.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Sequence
from typing import Any


def command(*, ahead: float = 0.0, valid: float = 600.0, renewal: float = 120.0) -> Sequence[str]:
    """Return the beginning of a command on a machine whose clock is so many seconds ahead.

    Leases are valid for `valid` seconds, and renewed every `renewal`.
    """
    return sys.executable, __file__, str(ahead), str(valid), str(renewal)


def set_clock(ahead: float) -> None:
    """Move the clock that Python programs see; that which only goes forward stays as it is.

    It is called before anything else is imported, since modules keep what they import.
    """
    seconds, nanoseconds = time.time, time.time_ns
    shift = dt.timedelta(seconds=ahead)
    real: Any = dt.datetime

    class Kind(type):
        """What others have made by the real type is of the new one, too."""

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, real)

    class Shifted(real, metaclass=Kind):
        __slots__ = ()  # compiled modules expect the real one's size

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return real.now(tz) + shift

        @classmethod
        def utcnow(cls) -> Any:
            return real.now(dt.UTC).replace(tzinfo=None) + shift

        @classmethod
        def today(cls) -> Any:
            return real.now() + shift

    time.time = lambda: seconds() + ahead
    time.time_ns = lambda: nanoseconds() + int(ahead * 1e9)
    dt.datetime = Shifted  # type: ignore[misc]


def main() -> None:
    ahead, valid, renewal = map(float, sys.argv[1:4])
    del sys.argv[1:4], sys.path[0]  # else modules of this folder would hide others
    if ahead:
        set_clock(ahead)
    from dvt.staging import leases

    leases.VALID_SECONDS, leases.RENEWAL_SECONDS = valid, renewal
    from dvt.cli.main import main as dvt

    dvt()


if __name__ == "__main__":
    main()
