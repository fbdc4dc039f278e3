"""dvt's errors as dbt's: logged by dbt's events, in dbt's exit codes, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbt_common.exceptions import DbtRuntimeError

from dvt.core.errors import DvtError


class DvtDbtError(DbtRuntimeError):
    """A DvtError on its way through dbt: the same sentence, code and hint."""

    def __init__(self, error: DvtError) -> None:
        super().__init__(str(error))
        self.error = error

    @property
    def type(self) -> str:
        """What dbt prints before "Error" where it prints that."""
        return self.error.code

    def __str__(self, prefix: str = "! ") -> str:
        return f"{self.error}"


@contextmanager
def as_dbt_errors() -> Iterator[None]:
    """Within it, dvt's errors are raised as dbt's."""
    try:
        yield
    except DvtError as error:
        raise DvtDbtError(error) from error
