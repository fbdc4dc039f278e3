"""Who may do what through the API and the page: roles, and the tokens that prove them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dvt.core.retention import Moment


class Role(StrEnum):
    """What somebody may do; each role may do all that those before it may."""

    VIEWER = "viewer"
    """Read all but the contents of files."""
    OPERATOR = "operator"
    """Make and run plans, restore files, pin items, and disable all policies in an emergency."""
    ADMIN = "admin"
    """Change policies and tokens."""

    def includes(self, other: Role) -> bool:
        """Return whether this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a token. The token itself is nowhere: it is shown once, to who made it."""

    id: str
    name: str
    """Of its owner, as records name them."""
    role: Role
    made: Moment
    made_by: str
    until: Moment | None = None
    """When it expires; None: never."""
    last_used: Moment | None = None
    """To the minute."""
