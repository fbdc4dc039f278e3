"""Types of values in several sections of lifecycle.yml."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from dvt.core.durations import duration
from dvt.core.errors import DurationInvalid


def several(value: Any) -> Any:
    """Take a single text for a list of it."""
    return [value] if isinstance(value, str) else value


def _duration(value: Any) -> timedelta:
    try:
        return duration(str(value))
    except DurationInvalid as error:
        raise ValueError(error.message) from None


Texts = Annotated[list[str], BeforeValidator(several)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
