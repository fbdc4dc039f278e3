"""Renders the page's templates: what they are given besides their own values, and how values are written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dvt.core.moments import SECOND, Moment
from dvt.core.reports import count, size

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))
"""Seconds of a unit, and the unit: those in which a duration is written that has at least one."""
FRAGMENT = "X-Fragment"
"""Header of requests by which the page's script asks for a part of a page, which it puts into one."""


def page(
    request: Request, template: str, values: Mapping[str, Any] | None = None, *, status: int = 200
) -> HTMLResponse:
    """Return a page, or the part of it that the page's script asks for: what is in `main` alone."""
    layout = "part.html" if request.headers.get(FRAGMENT) else "base.html"
    text = _environment().get_template(template).render({"layout": layout, **(values or {})})
    return HTMLResponse(text, status_code=status)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dvt.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        size=size,
        count=count,
        number=number,
        duration=duration,
        moment=moment,
        ago=ago,
    )
    return environment


def number(value: int | None) -> str:
    """Write a number with separators; a dash for what is not known."""
    return "–" if value is None else f"{value:,}"


def duration(seconds: float | None) -> str:
    """Write a duration with its two largest units.

    Example:
        >>> duration(3725), duration(0.25), duration(None)
        ('1 h 2 min', '0.25 s', '–')
    """
    if seconds is None:
        return "–"
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.2g} s" if seconds >= 0.01 else "0 s"  # noqa: PLR2004
    whole = round(seconds)
    for at, (unit, name) in enumerate(_UNITS):
        if whole >= unit:
            below, short = _UNITS[at + 1] if at + 1 < len(_UNITS) else (1, "s")
            rest = whole % unit // below
            return f"{whole // unit} {name}" + (f" {rest} {short}" if rest else "")
    return f"{whole} s"


def moment(at: Moment | datetime | None) -> Markup:
    """Write a time in UTC, to the minute, as an element of which the script shows the reader's own time."""
    time = _time(at)
    if time is None:
        return Markup("–")
    return Markup('<time datetime="{}">{}</time>').format(_iso(time), f"{time:%Y-%m-%d %H:%M} UTC")


def ago(at: Moment | datetime | None, now: datetime | None = None) -> Markup:
    """Write how long ago, or in how long, a time is, as such an element."""
    time = _time(at)
    if time is None:
        return Markup("–")
    passed = (now or datetime.now(UTC)) - time
    return Markup('<time datetime="{}" data-ago>{}</time>').format(_iso(time), _relative(passed))


def _relative(passed: timedelta) -> str:
    seconds = abs(passed.total_seconds())
    if seconds < 5:  # noqa: PLR2004
        return "now"
    largest = next((f"{int(seconds // unit)} {name}" for unit, name in _UNITS if seconds >= unit), None)
    text = largest or f"{seconds:.0f} s"
    return f"in {text}" if passed < timedelta() else f"{text} ago"


def _time(at: Moment | datetime | None) -> datetime | None:
    if at is None or isinstance(at, datetime):
        return at
    try:
        return datetime.fromtimestamp(at // SECOND, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")
