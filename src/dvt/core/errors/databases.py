"""Errors of what runs: connections, queries, values, files, memory, disks and staged data."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class ConnectFailed(DvtError):
    """No connection could be opened: the server is down, unreachable, or refuses."""

    code = "DVT130"
    transient = True

    def __init__(
        self, connection: str, where: str, reason: str, hint: str = "", *, refused: bool = False
    ) -> None:
        """`refused`: the server itself said no, so it is up."""
        self.connection, self.where, self.reason, self.refused = connection, where, reason, refused
        super().__init__(
            f"cannot connect to {connection!r} ({where}): {reason}",
            hint=hint or "is the server up, and are host and port right in profiles.yml?",
        )


class LoginRefused(DvtError):
    """The server refused the user or the password."""

    code = "DVT131"

    def __init__(self, connection: str, where: str, reason: str) -> None:
        self.connection, self.where, self.reason = connection, where, reason
        super().__init__(
            f"{connection!r} ({where}) refused the login: {reason}",
            hint="check user and password of this output in profiles.yml",
        )


class ConnectionLost(DvtError):
    """The server went away in the middle."""

    code = "DVT132"
    transient = True

    def __init__(self, connection: str, doing: str, reason: str) -> None:
        self.connection, self.doing = connection, doing
        super().__init__(
            f"lost the connection to {connection!r} while {doing}: {reason}",
            hint="nothing was published; run it again when the server is back (dvt retry)",
        )


class ConnectionFrozen(ConnectionLost):
    """Nothing arrived for longer than `read_timeout`, though the server computed nothing."""

    code = "DVT149"

    def __init__(self, connection: str, doing: str, seconds: float) -> None:
        super().__init__(
            connection,
            doing,
            f"not a byte arrived for {seconds:g} s (read_timeout), and its server is paused, out of reach,"
            " or computes nothing for it",
        )
        self.seconds = seconds
        self.hint = (
            "is a firewall between that drops idle connections, or a server that is paused?"
            " run it again when it answers (dvt retry); read_timeout of this output sets how long dvt waits"
        )


class QueryFailed(DvtError):
    """A database refused a query, or failed while running it."""

    code = "DVT133"

    def __init__(self, connection: str, doing: str, reason: str, hint: str = "") -> None:
        self.connection, self.doing, self.reason = connection, doing, reason
        super().__init__(f"{connection!r} failed while {doing}: {reason}", hint=hint)


class ValueLost(DvtError):
    """A value cannot be represented on its way; the run stops instead of changing it."""

    code = "DVT134"

    def __init__(self, where: str, problem: str, hint: str) -> None:
        self.where, self.problem = where, problem
        super().__init__(f"{where}: {problem}", hint=hint)


class RowRefused(DvtError):
    """A row breaks a constraint that the model's contract puts on its table."""

    code = "DVT128"

    def __init__(self, where: str, problem: str) -> None:
        self.where, self.problem = where, problem
        super().__init__(
            f"{where}: {problem}", hint="correct the rows in the SELECT, or the constraint in the contract"
        )


class DiskFull(DvtError):
    """There is no space left for staged data, spilled data or a database file."""

    code = "DVT135"

    def __init__(self, place: str, doing: str) -> None:
        self.place = place
        super().__init__(
            f"no space left in {place} while {doing}",
            hint="free space there, or stage elsewhere; nothing was published",
        )


class FileLocked(DvtError):
    """Another process holds this database file."""

    code = "DVT136"
    transient = True

    def __init__(self, path: str, holder: str, hint: str = "") -> None:
        self.path, self.holder = path, holder
        super().__init__(
            f"{path} is locked by another process ({holder})",
            hint=hint or "close that process; a DuckDB file has one writing process at a time",
        )


class FileTooNew(DvtError):
    """A newer version wrote this database file."""

    code = "DVT137"

    def __init__(self, path: str, ours: str, theirs: str) -> None:
        self.path = path
        super().__init__(
            f"{path} was written by {theirs}, which DuckDB {ours} cannot read",
            hint="export it with the newer version, or write it there with an older STORAGE_VERSION",
        )


class FileUnreadable(DvtError):
    """A database or data file is not there or not what its output says."""

    code = "DVT138"

    def __init__(self, connection: str, path: str, problem: str) -> None:
        self.connection, self.path, self.problem = connection, path, problem
        super().__init__(f"connection {connection!r}: {path} {problem}", hint="check the output's path")


class FileInDoubt(DvtError):
    """A data file can be read in more than one way, or does not go with the others of its table."""

    code = "DVT144"

    def __init__(self, path: str, problem: str, way_out: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}", hint=f"{way_out} (docs/reference/outputs-files.md)")


class Cancelled(DvtError):
    """A query was stopped, because the run was stopped."""

    code = "DVT139"

    def __init__(self, doing: str) -> None:
        super().__init__(f"stopped while {doing}")


class OutOfMemory(DvtError):
    """The compute engine needs more memory than it may use, and cannot spill enough of it."""

    code = "DVT150"

    def __init__(self, doing: str, limit: str) -> None:
        self.doing, self.limit = doing, limit
        super().__init__(
            f"the compute engine ran out of memory while {doing} (memory_limit {limit})",
            hint="raise memory_limit in computes.yml, run fewer --threads, or give temp_directory more room",
        )


class StagingUnusable(DvtError):
    """The folder for staged data and records of runs cannot be written."""

    code = "DVT151"

    def __init__(self, place: str, reason: str) -> None:
        self.place = place
        super().__init__(
            f"cannot write in {place}: {reason}",
            hint="dvt stages data in .dvt/ of the project; let this user write there",
        )


class StagingDamaged(DvtError):
    """Staged files do not hold what was committed."""

    code = "DVT152"

    def __init__(self, what: str, expected: int, actual: int) -> None:
        self.expected, self.actual = expected, actual
        super().__init__(
            f"staged {what} should hold {expected} rows but holds {actual}",
            hint="something else wrote or deleted in the bucket, or its disk is failing; run it again",
        )
