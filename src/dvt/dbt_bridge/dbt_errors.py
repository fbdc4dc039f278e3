"""Raises dvt's errors as dbt's, so that dbt logs them without a traceback and sets its exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbt_common.exceptions import DbtRuntimeError

from dvt.core.errors import DvtError


class DvtDbtError(DbtRuntimeError):
    """A DvtError that dbt handles as its own: the same code, sentence and hint."""

    def __init__(self, error: DvtError) -> None:
        super().__init__(str(error))
        self.error = error

    @property
    def type(self) -> str:
        """The word that dbt prints before "Error": the code."""
        return self.error.code

    def __str__(self, prefix: str = "! ") -> str:
        return f"{self.error}"


@contextmanager
def as_dbt_errors() -> Iterator[None]:
    """Raise the DvtErrors of the block as DvtDbtErrors."""
    try:
        yield
    except DvtError as error:
        raise DvtDbtError(error) from error
