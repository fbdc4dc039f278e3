"""The values of an answer, as the driver of the model's target would return them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReading:
    """Turns the rows that an engine has staged into those that a query of the target returns."""

    digits: tuple[bool, ...]
    """For each column, whether its texts are those of numbers."""
    zone: ZoneInfo
    """The time zone of the target's sessions."""
    has_offsets: bool
    """Whether the target's driver returns an instant with its offset."""

    def row(self, values: Sequence[object]) -> tuple[object, ...]:
        """Return a row with numbers, and with instants in the session's time zone."""
        return tuple(
            self._value(value, is_digits) for value, is_digits in zip(values, self.digits, strict=True)
        )

    def _value(self, value: object, is_digits: bool) -> object:
        if isinstance(value, str) and is_digits:
            return Decimal(value)
        if not isinstance(value, datetime) or value.tzinfo is None:
            return value
        moment = self._in_zone(value)
        return moment if self.has_offsets else moment.replace(tzinfo=None)

    def _in_zone(self, moment: datetime) -> datetime:
        try:
            return moment.astimezone(self.zone)
        except OverflowError:  # within a day of Python's first or last one
            return moment
