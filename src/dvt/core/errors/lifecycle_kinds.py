"""Errors of items that are no files: rows of tables of other programs."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class RowsMisdescribed(DvtError):
    """lifecycle.yml says something of a table that is not so, or rows of it cannot be told apart."""

    code = "DVT250"

    def __init__(self, data_type: str, problem: str) -> None:
        self.data_type = data_type
        super().__init__(
            f"sql.{data_type} of lifecycle.yml: {problem}",
            hint="docs/reference/lifecycle-tables.md lists every key",
        )


class RowsUnreachable(DvtError):
    """The database of a table does not answer, or does not let this user in."""

    code = "DVT251"
    transient = True

    def __init__(self, data_type: str, where: str, reason: str) -> None:
        self.data_type, self.where, self.reason = data_type, where, reason
        super().__init__(
            f"the database of {data_type} ({where}) cannot be used: {reason}",
            hint="check url, user, password and rights in `sql` of lifecycle.yml; its rows stay until then",
        )
