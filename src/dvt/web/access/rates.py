"""How often somebody may ask."""

from __future__ import annotations

from dataclasses import dataclass, field

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from dvt.core.errors import TooManyRequests


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The limits of a server."""

    calls: RateLimitItem = field(default_factory=lambda: parse("1200/minute"))
    """Of each caller."""
    failures: RateLimitItem = field(default_factory=lambda: parse("10/minute"))
    """Of an address: requests with a wrong token, link or cookie, and those without any."""
    notes: RateLimitItem = field(default_factory=lambda: parse("60/minute"))
    """Refused requests that are put on record, of all addresses together."""
    limiter: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))

    def call(self, name: str) -> None:
        """Count a request of a caller; TooManyRequests."""
        if not self.limiter.hit(self.calls, "calls", name):
            raise TooManyRequests(f"requests of {name}", _seconds(self.calls))

    def failure(self, address: str) -> None:
        """Count a request of somebody who is not known; TooManyRequests."""
        if not self.limiter.hit(self.failures, "failures", address):
            raise TooManyRequests("attempts to sign in", _seconds(self.failures))

    def may_note(self) -> bool:
        """Return whether one more refused request is put on record."""
        return self.limiter.hit(self.notes, "notes")


def _seconds(limit: RateLimitItem) -> int:
    return limit.get_expiry()
