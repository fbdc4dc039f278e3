"""Masks secrets in texts that are kept: in command lines and messages of errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "***"
_PASSWORDS = r"passw(?:or)?d|pwd|passphrase|secret"
_NAMES = rf"{_PASSWORDS}|token|credential|(?:private|api|access|account)[_-]?key|authorization"
_VALUE = r"('(?:[^']|'')*'|\"[^\"]*\"|[^\s,;&)}]+)"
_LONG_TOKEN = 12
"""Characters of the shortest text that is a token where the word `bearer` is before it."""
_SECRET_NAME = re.compile(rf"{_NAMES}|(?:^|_)pw$", re.IGNORECASE)
"""Matches names of what is secret, anywhere in them: `DB_PASSWORD`, `githubToken`."""
_USER_INFO = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]+@", re.IGNORECASE)
"""Matches user and password of an address."""
_GIVEN = re.compile(
    rf"(\b[\w-]*(?:{_NAMES}|signature|\bsig)[\w-]*['\"]?\s*=>?\s*"
    rf"|['\"][\w-]*(?:{_NAMES})[\w-]*['\"]\s*:\s*"
    rf"|\b[\w-]*(?:{_PASSWORDS})[\w-]*\s*:\s*"
    rf"|\bidentified\s+by\s+|\bbearer\s+(?=\S{{{_LONG_TOKEN}}})){_VALUE}",
    re.IGNORECASE,
)
"""Matches a secret that is given by its name: `password=x`, `"token": "x"`, `secret: x`, `?sig=x`."""
_SHORTEST = 6
"""Characters of the shortest value that is looked for in texts: shorter ones are in many words."""


def is_secret_name(name: str) -> bool:
    """Whether what has such a name is a secret."""
    return _SECRET_NAME.search(name) is not None


def secret_values(environment: Mapping[str, str], *others: Any) -> tuple[str, ...]:
    """Return the values of secrets, longest first, as far as their names tell.

    Args:
        environment: the environment's variables; all that dbt holds for secret are.
        others: mappings and lists within each other, such as the values of --vars.
    """
    found = {value for name, value in environment.items() if value and name.startswith("DBT_ENV_SECRET")}
    found |= {value for name, value in environment.items() if is_secret_name(name) and _is_long(value)}
    found |= {value for other in others for value in _values(other, is_secret=False) if _is_long(value)}
    return tuple(sorted(found, key=len, reverse=True))


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text without these values, without passwords of addresses and what is named a password."""
    for value in secrets:
        text = text.replace(value, MASK)
    return _GIVEN.sub(rf"\g<1>{MASK}", _USER_INFO.sub(rf"\g<1>{MASK}@", text))


def _is_long(value: str) -> bool:
    return len(value) >= _SHORTEST and not value.startswith("/")


def _values(value: Any, *, is_secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _values(part, is_secret=is_secret or is_secret_name(str(name)))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _values(part, is_secret=is_secret)
    elif is_secret and isinstance(value, str | int | float):
        yield str(value)
