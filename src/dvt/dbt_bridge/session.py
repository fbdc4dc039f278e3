"""dvt's state during one invocation of dbt.

The session begins when dbt registers the default adapter, and ends with the invocation. `manifest` and
`resolver` are None until dbt has loaded the manifest.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from dvt.core.error_list import ErrorList
from dvt.core.errors import DvtError
from dvt.core.places import RESERVED
from dvt.core.ports.bridge import Federator, FederatorFactory, Reporter, RunContext
from dvt.core.ports.operations import NotRecorded, OperationRecorder
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.outputs.hook_connections import outputs_of_hooks
from dvt.resolution.placement import Path, Placement, Resolver

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.config.buckets import Buckets
    from dvt.config.computes import Compute, Computes
    from dvt.core.names import TableRef
    from dvt.dbt_bridge.outputs.profile_outputs import ProfileOutputs
    from dvt.dbt_bridge.outputs.targets import Targets


_BUILD_NOTHING = frozenset({"test", "unit_test", "analysis"})
"""Types of nodes that only read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The values of dvt's own flags."""

    compute: str | None = None
    bucket: str | None = None
    keep_staging: bool = False
    full_refresh: bool = False
    resume: bool = True


@dataclass(slots=True, kw_only=True)
class Session:
    """dvt's state during one invocation of dbt."""

    config: Any
    """dbt's RuntimeConfig of the default target."""
    outputs: ProfileOutputs
    """Types and rendered settings of the profile's outputs (implements `core.ports.connectors.Settings`)."""
    targets: Targets
    """dbt's configs and adapters by output name."""
    reporter: Reporter
    """Receives the progress and the warnings of federated nodes."""
    options: RunOptions = field(default_factory=RunOptions)
    recorder: OperationRecorder = field(default_factory=NotRecorded)
    """Puts on record what becomes of the invocation and of its nodes."""
    make_federator: FederatorFactory | None = None
    manifest: Manifest | None = None
    resolver: Resolver | None = None
    ambiguous: frozenset[tuple[str, ...]] = frozenset()
    """Names, as lower-case parts, that tables of several outputs have."""
    named: dict[str, set[str]] = field(default_factory=dict)
    """Unique ids that the Jinja of a federated node has named, by the node's."""
    pool: Any = None
    """dbt's thread pool while nodes run, else None."""
    changing: set[int] = field(default_factory=set)
    """Ids of the threads whose node's Jinja has run a statement that may have changed a table."""
    forecasting: bool = False
    """Whether nodes are compiled before any of them runs."""
    failed: bool = False
    """Whether a node, or the invocation itself, has failed."""
    cancelled: bool = False
    """Whether all statements of the invocation have been cancelled and have ended."""
    _computes: Computes | None = None
    _buckets: Buckets | None = None
    _federator: Federator | None = None
    _written: list[tuple[str, TableRef | None]] = field(default_factory=list)
    """Output and table of each write before there was a Federator; None for any table."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def default(self) -> str:
        """The name of the default target: --target, or the profile's."""
        return str(self.config.target_name)

    @property
    def plain(self) -> bool:
        """Whether the project uses nothing of dvt's; dbt then runs it without dvt's changes."""
        return self.resolver is None or not self.resolver.uses_dvt

    @property
    def sources(self) -> Mapping[str, Any]:
        """The sources of the manifest by unique id."""
        return {} if self.manifest is None else self.manifest.sources

    def node(self, unique_id: str) -> Any:
        """Return a node or source of the manifest, or the macro that `run-operation` runs."""
        manifest: Any = self.manifest
        node = manifest.nodes.get(unique_id) or manifest.sources.get(unique_id)
        return node or manifest.macros[unique_id]

    def output_of(self, unique_id: str) -> str:
        """Return the output that a node is built on or a source is on; the default one for unknown ids."""
        if self.resolver is None or unique_id not in self.resolver:
            return self.default
        with as_dbt_errors():
            return self.resolver.output_of(unique_id)

    def placement(self, unique_id: str) -> Placement | None:
        """Return a node's target and path; None for what does not run (metrics, exposures…)."""
        if self.resolver is None or unique_id not in self.resolver:
            return None
        with as_dbt_errors():
            return self.resolver.placement(unique_id)

    def is_federated(self, unique_id: str) -> bool:
        """Return whether dvt computes the node, because it reads other outputs than its own."""
        placement = None if self.plain else self.placement(unique_id)
        return placement is not None and placement.path is Path.FEDERATED

    def names_engine(self, unique_id: str) -> bool:
        """Return whether an engine is named for the node, rather than a place, or no place at all."""
        placement = self.placement(unique_id)
        return placement is not None and placement.compute not in RESERVED

    @property
    def computes(self) -> Computes:
        """The profile's computes; ComputesInvalid if computes.yml is wrong."""
        if self._computes is None:
            from dvt.config.computes import load_computes

            self._computes = load_computes(str(self.config.profile_name), self.outputs.profiles_dir)
        return self._computes

    @property
    def buckets(self) -> Buckets:
        """The profile's buckets; BucketsInvalid if buckets.yml is wrong."""
        if self._buckets is None:
            from dvt.config.buckets import load_buckets

            self._buckets = load_buckets(
                str(self.config.profile_name),
                self.outputs.profiles_dir,
                project_dir=FilePath(self.config.project_root),
            )
        return self._buckets

    def bucket_of(self, node: Any) -> str:
        """Return the bucket that the config of a node or source names; empty for the run's default one.

        --bucket overrides it.
        """
        config: Any = getattr(node, "config", None)
        is_asked = hasattr(config, "get") and not self.options.bucket
        name = str(config.get("bucket") or "") if is_asked else ""
        return "" if name and name == self.buckets.default else name

    def engine_dialect(self, node: Any) -> str:
        """Return the SQL dialect of the engine that computes a federated node."""
        with as_dbt_errors():
            try:
                return self.compute_of(node).engine.dialect
            except DvtError as error:
                raise error.about(node.name, node.original_file_path) from error.__cause__

    def compute_of(self, node: Any) -> Compute:
        """Return the entry of the computes whose engine computes a federated node, if an engine does."""
        return self.computes.get(self.options.compute or node.config.get("compute"))

    def check(self, selected: Collection[str], targets: Iterable[str]) -> None:
        """Raise all errors of the selected nodes: in their paths, their targets, the outputs that they read.

        dbt calls it before any of them runs.
        """
        if self.resolver is None:
            return
        with as_dbt_errors():
            self.resolver.check(selected)
            errors = ErrorList()
            for target in targets:
                with errors.collecting():
                    self.targets.config(target)
            for output in sorted(self._read_elsewhere(selected)):
                with errors.collecting():
                    self.outputs.output(output)
            errors.raise_all()

    def _read_elsewhere(self, selected: Iterable[str]) -> set[str]:
        placements = (self.placement(uid) for uid in selected)
        return {output for placement in placements if placement for output in placement.elsewhere.values()}

    def federator(self) -> Federator:
        """Return the run's Federator; the first call makes it."""
        with self._lock:
            if self._federator is None:
                if self.make_federator is None:
                    msg = "no FederatorFactory was wired: run dvt by its command or dvtRunner"
                    raise RuntimeError(msg)
                with as_dbt_errors():
                    self._federator = self.make_federator(self._context())
                self.recorder.runs_as(self._federator.run)
                for output, table in self._written:
                    self._federator.wrote(output, table)
            return self._federator

    def wrote(self, output: str, table: TableRef | None) -> None:
        """Tell the federation that a table has been written, or any table of an output (None)."""
        with self._lock:
            federator = self._federator
            if federator is None:
                self._written.append((output, table))
        if federator is not None:
            federator.wrote(output, table)

    @property
    def federator_if_exists(self) -> Federator | None:
        """The run's Federator, None if no federated node has run yet."""
        return self._federator

    def close(self) -> None:
        """Remove the run's staged files, close its connections and its database files."""
        with self._lock:
            federator, self._federator = self._federator, None
        try:
            if federator is not None:
                federator.close(failed=self.failed)
        finally:
            self.targets.close()

    def _context(self) -> RunContext:
        return RunContext(
            project_dir=FilePath(self.config.project_root),
            profile=str(self.config.profile_name),
            profiles_dir=self.outputs.profiles_dir,
            outputs=self.outputs,
            reporter=self.reporter,
            project=str(self.config.project_name),
            compute=self.options.compute,
            bucket=self.options.bucket,
            keep_staging=self.options.keep_staging,
            full_refresh=self.options.full_refresh,
            resume=self.options.resume,
            written=self._written_outputs(),
        )

    def _written_outputs(self) -> frozenset[str] | None:
        """Return the outputs that nodes and hooks of the project may write to; None: any.

        Operations are on-run-start and on-run-end; a macro of `run-operation` may do anything.
        """
        if self.manifest is None or getattr(self.config.args, "which", "") == "run-operation":
            return None
        nodes = list(self.manifest.nodes.values())
        built = [node for node in nodes if node.resource_type not in _BUILD_NOTHING or _stores_failures(node)]
        outputs = {self.output_of(node.unique_id) for node in built}
        return frozenset(outputs.union(*(outputs_of_hooks(node) for node in built)))


def _stores_failures(node: Any) -> bool:
    return bool(getattr(node.config, "store_failures", False))


_current: Session | None = None


def current_session() -> Session | None:
    """Return the session of the invocation under way, None if dbt has not registered an adapter yet."""
    return _current


def begin_session(session: Session) -> None:
    """End the current session and make the given one the current one."""
    global _current  # noqa: PLW0603 - dbt's own adapters and flags are global to the process too
    end_session()
    _current = session


def end_session() -> None:
    """End the current session, if there is one."""
    global _current
    session, _current = _current, None
    if session is not None:
        session.close()
