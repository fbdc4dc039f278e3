"""Makes connectors from the settings of their outputs, with or without a run of dbt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvt.core.ports.connectors import Connector, Settings
    from dvt.core.ports.seeds import SeedReader
    from dvt.core.ports.transfers import Transfers
    from dvt.core.reports import Notice
    from dvt.drivers.duckdb import MemoryInstance
    from dvt.resolution.output_types import OutputType
    from dvt.runs.operations import Operation


def connector_opener(
    outputs: Settings,
    project_dir: Path,
    instance: MemoryInstance,
    scratch: Path,
    warn: Callable[[Notice], None] = lambda _: None,
    *,
    transfers: Transfers | None = None,
) -> Callable[[str], Connector]:
    """Return a function that makes the connector of an output, given the output's name.

    `scratch` is the folder for the connectors' private files; it is deleted when the run ends. `warn` shows
    the user a warning; `transfers` gives warehouses a bucket.
    """
    from dvt.connectors import CONNECTORS
    from dvt.core.errors import BadOutput
    from dvt.core.ports.connectors import ConnectorContext
    from dvt.staging.paths import escaped

    def open_connector(name: str) -> Connector:
        settings = dict(outputs.output(name))
        limit = _limit(name, settings)
        kind = str(settings.get("type", ""))
        if kind not in CONNECTORS:
            kinds = ", ".join(sorted(CONNECTORS))
            raise BadOutput(name, kind, "dvt moves no data from or to this type", f"it does for: {kinds}")
        context = ConnectorContext(
            duckdb=instance,
            project_dir=project_dir,
            scratch=scratch / "connectors" / escaped(name),
            limit=limit,
            warn=warn,
            transfers=transfers,
        )
        connector: Connector = CONNECTORS.load(kind)(name, settings, context)
        return connector

    return open_connector


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideRun:
    """What a command has that needs connectors outside of any run of dbt."""

    open_connector: Callable[[str], Connector]
    instance: MemoryInstance
    operation: Operation


@contextmanager
def outside_run(
    outputs: Settings, project_dir: Path, *, transfers: Transfers | None = None
) -> Iterator[OutsideRun]:
    """Give what opens the connector of an output, outside of any run of dbt.

    The outputs are a profile's (`config.profiles.load_profile`). When the `with` ends, all that was opened
    is closed; if the process dies before, the project's next run removes what its connectors have left.
    """
    from dvt.drivers.disk import own_folder
    from dvt.drivers.duckdb import FILES, MemoryInstance
    from dvt.runs import operations

    with ExitStack() as stack:
        operation = operations.begin(own_folder(project_dir / ".dvt") / "operations")
        stack.callback(operation.close)
        stack.callback(FILES.close_on_disk)
        instance = MemoryInstance(spill=operation.scratch / "spill")
        stack.callback(instance.close)
        make = connector_opener(outputs, project_dir, instance, operation.scratch, transfers=transfers)

        def open_connector(name: str) -> Connector:
            connector = make(name)
            stack.callback(connector.close)
            return connector

        yield OutsideRun(open_connector=open_connector, instance=instance, operation=operation)


@contextmanager
def open_connectors(outputs: Settings, project_dir: Path) -> Iterator[Callable[[str], Connector]]:
    """Give a function that opens the connector of an output; see `outside_run`."""
    with outside_run(outputs, project_dir) as run:
        yield run.open_connector


def seed_reader(instance: MemoryInstance, scratch: Path) -> SeedReader:
    """Make what reads the files of seeds; `scratch` is the run's folder, which is deleted when it ends."""
    from dvt.connectors.files.seeds import SeedFiles

    return SeedFiles(instance, scratch / "seeds")


def type_reader(outputs: Settings) -> Callable[[str], OutputType]:
    """Return a function that returns the type of an output, given the output's name."""
    from dvt.resolution.output_types import output_type

    def type_of(name: str) -> OutputType:
        return output_type(str(outputs.output(name).get("type", "")))

    return type_of


def database_reader(outputs: Settings) -> Callable[[str], tuple[str, ...]]:
    """Return a function that returns the identity of an output's database, given the output's name."""
    from os.path import realpath

    from dvt.resolution.output_types import output_type

    def database_of(name: str) -> tuple[str, ...]:
        settings = dict(outputs.output(name))
        if "path" in settings:
            settings["path"] = realpath(str(settings["path"]))
        return output_type(str(settings.get("type", ""))).database(settings) or (name,)

    return database_of


def _limit(name: str, settings: dict[str, Any]) -> int:
    """Remove `max_connections`, a key of outputs of all types, from the settings; return its value."""
    from dvt.core.errors import BadOutput
    from dvt.core.ports.connectors import CONNECTIONS

    limit = settings.pop("max_connections", CONNECTIONS)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        kind = str(settings.get("type", ""))
        raise BadOutput(name, kind, "max_connections should be a whole number from 1 up")
    return limit
