"""What is known of tables that are kept for later runs: a token, and the dataset (docs/adr/0035)."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dvt.core.ports.staging import Bucket, Dataset, Location
from dvt.core.queries import SourceQuery
from dvt.core.tables import StageColumn
from dvt.core.types import StageType
from dvt.staging.paths import escaped

STATES = "_state"
"""Folder of the states in a project's folder."""
_FILE = "state.json"
_FORMAT = 1
"""Version of a state's content, and of the hashes in it."""


@dataclass(frozen=True, slots=True)
class StateColumn:
    """A column that a kept dataset has."""

    name: str
    """Surrogate: its name in the dataset."""
    type: str
    """Its type in staging."""
    hash: str
    """Hash of its SQL and its types: equal for a column that is read in the same way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """What is known of a table, and of the dataset that has its rows."""

    source_name: str
    """Name of the connection."""
    table_name: str
    schema_hash: str
    columns: tuple[StateColumn, ...]
    row_count: int
    last_extracted_at: str
    """When the extraction of its rows began, by the store's clock, in UTC."""
    extraction_method: str
    pk_columns: tuple[str, ...]
    """Names of the table's columns by which changed rows are found; empty if they are not."""
    algorithm: str
    """How the hashes in the dataset are made; empty if there are none."""
    token: str | None
    """What the database gave for these rows; None where nothing was sure."""
    dataset: str
    """Folder of the dataset."""
    parts: tuple[str, ...]
    """Names of the dataset's files, in their order."""
    deletes: str = ""
    """Name of the file that says which of their rows are deleted; empty if there are none."""
    bytes: int
    put_at: datetime | None = None
    """When it was put, by the store's clock; None for one that has not been put yet."""

    @property
    def folder(self) -> str:
        """Where in the project's folder it is."""
        return f"{_folder(self.source_name, self.table_name)}/{self.schema_hash}"

    def serves(self, query: SourceQuery) -> bool:
        """True if the dataset has all columns of a query for all rows of the table, read in the same way."""
        own = {column.name: column.hash for column in self.columns}
        return all(own.get(column.name) == column.hash for column in columns_of(query))

    def is_whole(self, bucket: Bucket) -> bool:
        """Return whether all files are there, with as many bytes; somebody may have let some expire."""
        sizes = dict(bucket.list(self.dataset))
        files = [*self.parts, *filter(None, [self.deletes])]
        found = [sizes.get(f"{self.dataset}/{file}") for file in files]
        return None not in found and sum(size or 0 for size in found) == self.bytes

    def answer(self, bucket: Bucket, query: SourceQuery) -> Dataset:
        """Return the dataset as the answer to a query that it serves; its other columns are `others`."""
        read = {column.name for column in query.staged}
        others = tuple(
            StageColumn(column.name, StageType.parse(column.type))
            for column in self.columns
            if column.name not in read
        )
        keys = tuple(f"{self.dataset}/{part}" for part in self.parts)
        return Dataset(
            at=Location(bucket, self.dataset),
            keys=keys,
            columns=query.staged,
            rows=self.row_count,
            bytes=self.bytes,
            others=others,
            deletes=self.deletes and f"{self.dataset}/{self.deletes}",
        )


def columns_of(query: SourceQuery) -> list[StateColumn]:
    """Return the columns that a dataset with the answer to a query has."""
    return [
        StateColumn(
            extracted.name,
            str(extracted.column.stage),
            _digest((query.tables, query.source, query.settings, text, extracted)),
        )
        for text, extracted in zip(query.select, query.columns, strict=True)
    ]


def state_of(
    query: SourceQuery,
    dataset: Dataset,
    *,
    token: str | None,
    extracted_at: datetime,
    key: Sequence[str] = (),
    algorithm: str = "",
) -> TableState:
    """Return the state of a table whose rows have just been extracted."""
    columns = sorted(columns_of(query), key=lambda column: column.name)
    (table,) = query.tables
    return TableState(
        source_name=query.connection,
        table_name=_name(query),
        schema_hash=_digest((table, [(column.name, column.hash) for column in columns])),
        columns=tuple(columns),
        row_count=dataset.rows,
        last_extracted_at=extracted_at.isoformat(timespec="seconds"),
        extraction_method=str(query.extraction.method),
        pk_columns=tuple(key),
        algorithm=algorithm,
        token=token,
        dataset=dataset.at.prefix,
        parts=tuple(key.removeprefix(f"{dataset.at.prefix}/") for key in dataset.keys),
        deletes=dataset.deletes.removeprefix(f"{dataset.at.prefix}/"),
        bytes=dataset.bytes,
    )


class States:
    """The states in a project's folder of a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def serving(self, query: SourceQuery) -> list[TableState]:
        """Return the states whose datasets have all that a query asks for: the latest first."""
        states = self._in(_folder(query.connection, _name(query)))
        serving = [state for state in states if state.serves(query)]
        return sorted(serving, key=lambda state: (state.put_at, state.folder), reverse=True)

    def all(self) -> Iterator[TableState]:
        """Yield all states of the project."""
        return self._in(STATES)

    def put(self, state: TableState) -> str | None:
        """Put a state in place of the one before; return the folder of the dataset which that has named."""
        before = next(self._in(state.folder), None)
        content: dict[str, Any] = {"format": _FORMAT, **asdict(state)}
        del content["put_at"]
        self._bucket.put(f"{state.folder}/{_FILE}", io.BytesIO(json.dumps(content, indent=1).encode()))
        return None if before is None or before.dataset == state.dataset else before.dataset

    def _in(self, folder: str) -> Iterator[TableState]:
        for stored in list(self._bucket.objects(folder)):
            if stored.key.endswith(f"/{_FILE}"):
                state = self._read(stored.key, stored.modified)
                if state is not None and state.folder == stored.key.removesuffix(f"/{_FILE}"):
                    yield state

    def _read(self, key: str, put_at: datetime) -> TableState | None:
        """Read a state; None for what is none, or of another version of dvt."""
        try:
            with self._bucket.get(key) as data:
                return _parsed(json.loads(data.read()), put_at)
        except (FileNotFoundError, ValueError, LookupError, TypeError):
            return None


def _parsed(content: Mapping[str, Any], put_at: datetime) -> TableState | None:
    fields = dict(content)
    if fields.pop("format") != _FORMAT:
        return None
    fields["columns"] = tuple(StateColumn(**column) for column in fields["columns"])
    fields["parts"] = tuple(fields["parts"])
    fields["pk_columns"] = tuple(fields["pk_columns"])
    return TableState(**fields, put_at=put_at)


def _name(query: SourceQuery) -> str:
    (table,) = query.tables
    return ".".join(part for part in (table.database, table.schema, table.identifier) if part)


def _folder(connection: str, table: str) -> str:
    return f"{STATES}/{escaped(connection)}/{escaped(table)}"


def _digest(of: object) -> str:
    return hashlib.sha256(repr(of).encode("utf-8", "surrogatepass")).hexdigest()[:24]
