"""A real Firebird server on a free loopback port, of Debian's packages, for as long as a `with` lasts."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dvt.core.names import TableRef
from tests.databases.java_servers import PASSWORD, JavaServer
from tests.stores.programs import launch, program

_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_OWNER = "owner of the server"
"""Password of SYSDBA."""
_CONFIGURATION = """\
RemoteServicePort = {port}
RemoteBindAddress = 127.0.0.1
DatabaseAccess = Full
ServerMode = Super
SecurityDatabase = {folder}/security.fdb
AuthServer = Srp
UserManager = Srp
"""
_PLUGINS = """\
Plugin = Engine12 {{
    Module = {plugins}/libEngine12.so
}}
Plugin = Srp {{
    Module = {plugins}/libSrp.so
}}
"""
_USERS = f"""\
create database '{{folder}}/security.fdb';
create user sysdba password '{_OWNER}';
commit;
create user shop password '{PASSWORD}';
commit;
grant create database to user shop;
commit;
create database '{{folder}}/shop.fdb' user 'SHOP' default character set utf8;
"""


@dataclass
class Firebird(JavaServer):
    """Firebird 3. It has no schemas."""

    name: str = "firebird"
    schema: str = ""
    impossible_names: Sequence[str] = ("ünï😀", "n" * 63)
    user: ClassVar[str] = "shop"
    client: ClassVar[Sequence[str]] = ("org.firebirdsql.jdbc:jaybird:6.0.1",)
    set_up: ClassVar[Sequence[str]] = ()

    @property
    def url(self) -> str:
        """See JavaServer."""
        return f"jdbc:firebirdsql://127.0.0.1:{self.port}/{self.folder}/shop.fdb"

    @classmethod
    def launch(cls, folder: Path, port: int) -> subprocess.Popen[bytes]:
        """See JavaServer. Databases and users are made by a process of its own, which needs no server."""
        server = program("firebird", "usr/sbin/firebird")
        unpacked = server.parents[2]
        libraries = unpacked / _LIBRARIES
        plugins = libraries / "firebird" / "3.0" / "plugins"
        files = {"firebird.conf": _CONFIGURATION.format(port=port, folder=folder), "databases.conf": ""}
        for name, text in {**files, "plugins.conf": _PLUGINS.format(plugins=plugins)}.items():
            (folder / name).write_text(text)
        environment = {
            **dict.fromkeys(("FIREBIRD", "FIREBIRD_LOCK", "FIREBIRD_TMP"), str(folder)),
            "FIREBIRD_MSG": str(plugins.parent),
            "LD_LIBRARY_PATH": str(libraries),
        }
        if not (folder / "intl").exists():  # the first port may be taken
            (folder / "intl").symlink_to(plugins.parent / "intl")
            shutil.copy(unpacked / "etc" / "firebird" / "3.0" / "fbintl.conf", folder)
            isql = [unpacked / "usr" / "bin" / "isql-fb", "-quiet", "-user", "sysdba"]
            subprocess.run(isql, input=_USERS.format(folder=folder), env=environment, text=True, check=True)
        return launch([str(server)], folder, environment)

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """See Database. Firebird inserts rows one by one."""
        for statement in statements:
            head, _, rows = statement.partition(" values (")
            many = rows.removesuffix(")").split("), (") if head.startswith("insert ") else []
            super().execute(*[f"{head} values ({row})" for row in many] or [statement])
        return []

    def quoted(self, ref: TableRef) -> str:
        """See Database."""
        return self.name_of(ref.identifier)

    def table(self, identifier: str) -> TableRef:
        """See Database."""
        return TableRef(connection=self.name, identifier=identifier)

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        word = "lpad(cast(:n as varchar(20)), 48, '0') || lpad(cast(:n * 7919 as varchar(20)), 48, '0')"
        self.create(ref, [("n", "bigint"), ("word", "varchar(96)")], [])
        self.execute(
            f"execute block as declare n bigint = 1; begin while (n <= {rows}) do begin "
            f"insert into {self.quoted(ref)} values (:n, {word}); n = n + 1; end end"
        )

    def sleeping(self, seconds: int) -> str:
        """See Database. Its catalog has some hundred columns, and it is slow."""
        columns = ", ".join(f"rdb$relation_fields {name}" for name in "abc")
        times = f"(select first {seconds} rdb$field_name from rdb$relation_fields) d"
        lengths = " + ".join(f"char_length({name}.rdb$field_name)" for name in "abcd")
        return f"(select cast(count(*) as integer) from {columns}, {times} where {lengths} < 0)"
