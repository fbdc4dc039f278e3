"""Types of values in several sections of lifecycle.yml."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticKnownError

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


def number(value: Any) -> Any:
    """Refuse what people do not take for a number: `yes`, `on` and `true`, which would be 1, and infinity."""
    if isinstance(value, bool):
        msg = "should be a number, but yes, no, on, off, true and false are none"
        raise ValueError(msg)  # noqa: TRY004  Pydantic tells this one
    is_finite = True
    with suppress(TypeError, ValueError, OverflowError):
        is_finite = math.isfinite(float(value))
    if not is_finite:
        raise PydanticKnownError("finite_number")
    return value


Texts = Annotated[list[str], BeforeValidator(several)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
