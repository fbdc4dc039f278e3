"""Collects errors, so that a user sees all of a project's at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dvt.core.errors import DvtError, SeveralErrors


class ErrorList:
    """Collects the errors of a project's configuration, which a user mends at once."""

    def __init__(self) -> None:
        self._errors: dict[str, DvtError] = {}

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep a DvtError of the block instead of raising it; errors of the same text are one."""
        try:
            yield
        except DvtError as error:
            self.add(error)

    def add(self, error: DvtError) -> None:
        """Keep an error, or the errors that it consists of."""
        for part in error.errors if isinstance(error, SeveralErrors) else (error,):
            self._errors.setdefault(str(part), part)

    def raise_all(self) -> None:
        """Raise the errors: an only one as it is, several as SeveralErrors."""
        errors = list(self._errors.values())
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise SeveralErrors(errors)
