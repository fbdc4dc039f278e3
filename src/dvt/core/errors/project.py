"""Errors of a project's files, before any database is asked: models' configs, computes.yml, profiles.yml."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dvt.core.errors.error import DvtError, nearest
from dvt.core.places import RESERVED


class ComputesInvalid(DvtError):
    """computes.yml is there but cannot be used."""

    code = "DVT100"

    def __init__(self, file: str, line: int | None, problem: str) -> None:
        self.path, self.line = file, line
        at = f"{file}, line {line}" if line else file
        super().__init__(
            f"{at}: {problem}",
            hint="see docs/reference/computes.md for every key, or remove the file",
        )


class UnknownCompute(DvtError):
    """A compute was named that computes.yml does not define."""

    code = "DVT101"

    def __init__(self, name: str, known: Collection[str], file: str | None) -> None:
        self.name = name
        where = file or "there is no computes.yml, so only the embedded 'duckdb'"
        super().__init__(f"no compute named {name!r} ({where})", hint=nearest(name, {*known, *RESERVED}))


class ConnectionRequired(DvtError):
    """A source does not name its connection, in a project that uses dvt."""

    code = "DVT102"

    def __init__(self, source: str, file: str, known: Collection[str]) -> None:
        self.source = source
        super().__init__(
            f"source {source!r} ({file}) does not say which connection it lives on",
            hint=f"add `config: {{connection: NAME}}` to the source; outputs: {', '.join(sorted(known))}",
        )


class ConflictingConnections(DvtError):
    """A source names two different connections."""

    code = "DVT103"

    def __init__(self, source: str, file: str, connections: Mapping[str, str]) -> None:
        self.source, self.connections = source, dict(connections)
        both = ", ".join(f"{place}: {name}" for place, name in connections.items())
        super().__init__(
            f"source {source!r} ({file}) names different connections ({both})",
            hint="keep one of them",
        )


class SnapshotFederated(DvtError):
    """A snapshot reads another database than its own."""

    code = "DVT104"

    def __init__(self, name: str, target: str, elsewhere: Mapping[str, str]) -> None:
        self.name, self.target, self.elsewhere = name, target, dict(elsewhere)
        reads = ", ".join(f"{what} on {where}" for what, where in elsewhere.items())
        where = sorted(set(elsewhere.values()))
        super().__init__(
            f"snapshot {name!r} lives on {target} but reads {reads}, and an engine makes no snapshots",
            hint="(1) leave the place to dvt: config(compute='auto'); (2) put the snapshot there: "
            f"config(target='{where[0]}'); (3) build a table model on {target}, and snapshot that",
        )


class TestFederated(DvtError):
    """A test reads other databases than its own, which its config forbids."""

    code = "DVT105"
    __test__ = False

    def __init__(self, name: str, reads: Mapping[str, str]) -> None:
        self.name, self.reads = name, dict(reads)
        places = ", ".join(f"{what} on {where}" for what, where in reads.items())
        super().__init__(
            f"test {name!r} has `federate: false` but needs federation: it reads {places}",
            hint="leave `federate` out, and it runs like a federated model; or test a model that joins them",
        )


class SelfReference(DvtError):
    """A model reads itself without being incremental."""

    code = "DVT106"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"model {name!r} reads its own table but is not incremental",
            hint="use {{ this }} in an incremental model, guarded by is_incremental()",
        )


class SameName(DvtError):
    """Two tables that a federated model reads have one name in its SQL."""

    code = "DVT143"

    def __init__(self, name: str, table: str, tables: tuple[str, str]) -> None:
        self.name, self.table, self.tables = name, table, tables
        super().__init__(
            f"in the SQL of {name!r} the name {table} would mean both {tables[0]} and {tables[1]}",
            hint="give one of them another schema or alias, or read it through a view of another name",
        )


class UnknownConnection(DvtError):
    """A connection was named that is no output of the profile."""

    code = "DVT110"

    def __init__(self, what: str, name: str, known: Collection[str]) -> None:
        self.what, self.name = what, name
        super().__init__(
            f"{what} names connection {name!r}, which is no output of the profile",
            hint=nearest(name, known),
        )


class EphemeralFederated(DvtError):
    """An ephemeral model without a target would have to be computed on several databases."""

    code = "DVT111"

    def __init__(self, name: str, elsewhere: Collection[str]) -> None:
        self.name = name
        super().__init__(
            f"ephemeral model {name!r} reads {', '.join(sorted(elsewhere))}, so it needs federation",
            hint="materialize it (table), or give it a target: config(target='NAME'), and it is inlined",
        )


class UnknownMaterialization(DvtError):
    """A model over several databases has a materialization that its place of computing cannot build."""

    code = "DVT112"

    def __init__(self, name: str, materialized: str) -> None:
        self.name, self.materialized = name, materialized
        super().__init__(
            f"model {name!r} reads other databases, and materialization {materialized!r} cannot be built so",
            hint="an engine builds table, incremental and view (as a table); config(compute='target') builds "
            "every materialization that does not read its inputs again later",
        )


class DriverMissing(DvtError):
    """The package that talks to this database is not installed."""

    code = "DVT115"

    def __init__(self, what: str, install: str) -> None:
        self.what, self.install = what, install
        super().__init__(f"{what} is not installed", hint=install)


_FILE_FORMATS = ("csv", "json", "parquet")
"""Formats of files, which some take for types of outputs."""


class UnknownType(DvtError):
    """An output has a type that neither dvt nor an installed dbt adapter knows."""

    code = "DVT113"

    def __init__(self, output: str, place: str, kind: str, known: Collection[str]) -> None:
        self.output, self.kind = output, kind
        of_output = f" of output {output!r} ({place})" if output else ""
        hint = f"{nearest(kind, known)}; a type of another dbt adapter is known once that is installed"
        if kind.lower() in _FILE_FORMATS:
            hint = f"an output of files has `type: files` and `format: {kind.lower()}`"
        super().__init__(f"type {kind!r}{of_output} is unknown", hint=hint)


class UnknownTarget(DvtError):
    """A node names a target that is no output of the profile."""

    code = "DVT116"

    def __init__(self, what: str, file: str, name: str, known: Collection[str]) -> None:
        self.what, self.name = what, name
        super().__init__(
            f"{what} ({file}) has target {name!r}, which is no output of the profile",
            hint=nearest(name, known),
        )


class NotATarget(DvtError):
    """An output that can only be read was named as a target, or one that dvt loads nothing into."""

    code = "DVT117"

    def __init__(
        self,
        what: str,
        name: str,
        kind: str,
        can: Collection[str],
        *,
        natively: bool = False,
        hint: str = "",
    ) -> None:
        """`natively`: models can be built on it, from what it holds itself; `hint`: another way out."""
        self.what, self.name, self.kind = what, name, kind
        why = f"type {kind} is a source only"
        others = f"outputs that can be targets: {', '.join(sorted(can)) or 'none'}"
        hint = f"{hint}; {others}" if hint else others
        if natively:
            why = f"it reads other databases, and dvt cannot load data into type {kind} yet"
            hint = f"let it read only what {name!r} holds, or build it on another output"
        super().__init__(f"{what} cannot be built on output {name!r}: {why}", hint=hint)


class BadConfig(DvtError):
    """A dvt setting has a value it cannot have."""

    code = "DVT118"

    def __init__(self, where: str, key: str, value: object, allowed: Collection[str]) -> None:
        self.where, self.key = where, key
        super().__init__(f"{where}: {key} cannot be {value!r}", hint=f"one of: {', '.join(sorted(allowed))}")


class BadExtraction(DvtError):
    """The config `extraction` of a source or node has a key or a value that it cannot have."""

    code = "DVT175"

    def __init__(self, where: str, key: str, problem: str, hint: str) -> None:
        self.where, self.key = where, key
        super().__init__(f"{where}: extraction: {key}: {problem}", hint=hint)


class ProfilesInvalid(DvtError):
    """profiles.yml is not there, or what it says of a profile cannot be used."""

    code = "DVT129"

    def __init__(self, file: str, line: int | None, problem: str, hint: str = "") -> None:
        self.path, self.line = file, line
        at = f"{file}, line {line}" if line else file
        super().__init__(
            f"{at}: {problem}", hint=hint or "docs/reference/outputs.md says what may stand there"
        )


class BadOutput(DvtError):
    """An output in profiles.yml lacks a key, or has one that its connector cannot honour."""

    code = "DVT119"

    def __init__(self, output: str, kind: str, problem: str, hint: str = "") -> None:
        self.output, self.kind, self.problem = output, kind, problem
        super().__init__(
            f"output {output!r} (type {kind}) in profiles.yml: {problem}",
            hint=hint or f"docs/reference/outputs.md lists what type {kind} takes",
        )


class DbtUnsupported(DvtError):
    """The installed dbt-core is not what this version of dvt was made for."""

    code = "DVT140"

    def __init__(self, symbol: str, installed: str) -> None:
        self.symbol = symbol
        super().__init__(
            f"this dbt-core has another {symbol} than dvt expects ({installed})",
            hint="install a supported one: pip install 'dbt-core>=1.11,<1.13'",
        )


class EngineMissing(DvtError):
    """A compute's type has no engine in this version."""

    code = "DVT153"

    def __init__(self, compute: str, kind: str, known: Collection[str]) -> None:
        self.compute, self.kind = compute, kind
        super().__init__(
            f"compute {compute!r} is of type {kind}, which this version of dvt cannot run",
            hint=f"computes that can run here have type: {', '.join(sorted(known))}",
        )
