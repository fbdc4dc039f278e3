"""The type matrix of PostgreSQL: there and back."""

from __future__ import annotations

from tests.databases import Case, Written

TYPES: tuple[Case, ...] = ()
WRITTEN: tuple[Written, ...] = ()
