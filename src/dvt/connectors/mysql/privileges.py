"""What the user of an output may do in its schema, as MySQL and MariaDB tell."""

from __future__ import annotations

from dvt.core.ports.connectors import Privilege
from dvt.drivers.mysql import MySQLSettings, SideConnection, held, quoted

_READS = ("SELECT",)
_LOADS = (
    *("CREATE", "DROP", "ALTER", "INDEX", "INSERT", "UPDATE", "DELETE"),
    *("CREATE VIEW", "CREATE TEMPORARY TABLES"),
)
"""What loading stage tables, and dbt's materializations, do with a schema."""
_LOCK = "LOCK TABLES"


def privileges(side: SideConnection, settings: MySQLSettings, schema: str) -> tuple[Privilege, ...]:
    """Return what reads from a schema and loads into it need; nothing if roles may give what is missing."""
    locks = (_LOCK,) if settings.consistent_reads == "lock" else ()
    found = held(side, schema, (*_READS, *_LOADS, *locks))
    if found is None:
        return ()
    ((user,),) = side.rows("SELECT CURRENT_USER()", doing="asking who it is")
    name, _, host = str(user).rpartition("@")
    to = "TO '{}'@'{}'".format(*(part.replace("'", "''") for part in (name, host)))

    def privilege(
        names: tuple[str, ...], *, is_needed: bool = False, is_for_loads: bool = False
    ) -> Privilege:
        missing = [each for each in names if each not in found]
        listed = ", ".join(missing or names)
        grant = f"GRANT {listed} ON {quoted(schema)}.* {to}"
        return Privilege(
            f"{listed} on all of the schema",
            not missing,
            grant,
            is_needed=is_needed,
            is_for_loads=is_for_loads,
        )

    return (
        privilege(_READS),
        privilege(_LOADS, is_for_loads=True),
        *([privilege(locks, is_needed=True)] if locks else []),
    )
