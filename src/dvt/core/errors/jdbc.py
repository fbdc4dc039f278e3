"""Errors of databases that are read over JDBC, and of the Java process that does it."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class JdbcDriverMissing(DvtError):
    """The jar of a JDBC driver is not there, or has no driver for the output's URL."""

    code = "DVT225"

    def __init__(self, connection: str, problem: str, hint: str) -> None:
        self.connection, self.problem = connection, problem
        super().__init__(f"connection {connection!r}: {problem}", hint=hint)


class JavaMissing(DvtError):
    """Reading over JDBC needs Java, which is missing or too old."""

    code = "DVT226"

    def __init__(self, connection: str, problem: str, needed: int) -> None:
        self.connection, self.problem = connection, problem
        super().__init__(
            f"connection {connection!r}: JDBC needs Java {needed} or newer: {problem}",
            hint="install a Java runtime, such as the package openjdk-17-jre-headless, "
            "or let JAVA_HOME name one",
        )


class JarUnavailable(DvtError):
    """The jars of a JDBC driver cannot be had, or are not those of sync.lock."""

    code = "DVT228"

    def __init__(self, coordinates: str, problem: str, hint: str) -> None:
        self.coordinates, self.problem = coordinates, problem
        super().__init__(f"{coordinates}: {problem}", hint=hint)


class JavaEnded(DvtError):
    """The Java process that reads over JDBC has ended: killed, or its memory was too small."""

    code = "DVT227"
    transient = True

    def __init__(self, connection: str, doing: str, problem: str, hint: str) -> None:
        self.connection, self.doing, self.problem = connection, doing, problem
        super().__init__(f"connection {connection!r}: {problem} while {doing}", hint=hint)


class NotLoadable(DvtError):
    """A database over JDBC would change values that dvt loads into it."""

    code = "DVT270"

    def __init__(self, connection: str, problem: str, hint: str) -> None:
        self.connection, self.problem = connection, problem
        super().__init__(f"dvt loads nothing into {connection!r}: {problem}", hint=hint)


class NotOnDatabase(DvtError):
    """A model asks for something that its database, reached over JDBC, does not have, or dvt does not do."""

    code = "DVT277"

    def __init__(self, what: str, database: str, hint: str) -> None:
        self.what, self.database = what, database
        super().__init__(f"there are no {what} on {database}", hint=hint)
