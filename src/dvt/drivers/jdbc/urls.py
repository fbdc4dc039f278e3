"""Tells what of a driver's URL may be shown: drivers have logins and keys in many places of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_URL = re.compile(
    r"(?P<product>(?:[\w+.-]+:)+(?://)?)(?P<login>[^?;=]*@)?(?P<host>.*?)(?P<keys>[?;].*|[:/,(][^:/,(=?;]*=.*)?",
    re.DOTALL,
)
"""Matches a URL: `scott/tiger@` of Oracle and `user:password@` of others are logins; `?a=b`, `;a=b`,
`/A=b,C=d` of Teradata, `:a=b;` of Db2 and `(a=b)` of MySQL are keys."""
_BETWEEN = re.compile(r"[?;&@:/,()]")
"""Matches what is between the parts of a login or of keys."""
_SHORTEST = 5
"""Characters of the shortest value that is looked for in texts: shorter ones are in many words."""


@dataclass(frozen=True, slots=True)
class Url:
    """A URL that may hold a password anywhere behind its product."""

    text: str

    @property
    def shown(self) -> str:
        """The URL without what may hold a password, for messages."""
        found = self._parts
        if "@" in (found["keys"] or ""):  # they may be the end of a login
            return found["product"] + _BETWEEN.split(found["host"])[0]
        return found["product"] + found["host"]

    @property
    def hidden(self) -> frozenset[str]:
        """What no message may show; nothing if all of it may be shown."""
        found = self._parts
        parts = [part for text in found.group("login", "keys") for part in _BETWEEN.split(text or "")]
        if not any(parts):
            return frozenset()
        login = self.text.removeprefix(found["product"]).rpartition("@")[0]
        values = [self.text, *_BETWEEN.split(login, maxsplit=1), *(part.rpartition("=")[2] for part in parts)]
        values += [value.strip("'\"{}") for value in values]
        return frozenset(value for value in values if len(value) >= _SHORTEST and value != "false")

    @property
    def _parts(self) -> re.Match[str]:
        found = _URL.fullmatch(self.text)
        assert found is not None  # noqa: S101  every text that begins with jdbc: matches
        return found
