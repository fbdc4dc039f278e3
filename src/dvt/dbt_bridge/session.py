"""One invocation of dbt, as dvt sees it: what both halves of the bridge work with.

Begun when dbt registers the default adapter, complete once the manifest is loaded (`resolver` is None
until then), ended when the invocation ends.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from dvt.core.errors import DvtError
from dvt.core.ports.bridge import Federator, FederatorFactory, Reporter, RunContext
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.resolution.placement import Path, Placement, Resolver

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.config.computes import Computes
    from dvt.dbt_bridge.outputs.profile_outputs import ProfileOutputs
    from dvt.dbt_bridge.outputs.targets import Targets


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """dvt's own flags, as given on the command line."""

    compute: str | None = None
    keep_staging: bool = False


@dataclass(slots=True, kw_only=True)
class Session:
    """Everything an invocation knows beyond what dbt knows."""

    config: Any
    """RuntimeConfig of the default target."""
    outputs: ProfileOutputs
    """The profile's outputs: types, and rendered settings (`core.ports.connectors.Settings`)."""
    targets: Targets
    """Configs and adapters by output name."""
    reporter: Reporter
    """Where the federation's progress and warnings go."""
    options: RunOptions = field(default_factory=RunOptions)
    make_federator: FederatorFactory | None = None
    manifest: Manifest | None = None
    resolver: Resolver | None = None
    pool: Any = None
    """dbt's threads, while nodes run."""
    changing: set[int] = field(default_factory=set)
    """Threads whose node's Jinja has run what may have changed a table."""
    cancelled: bool = False
    """Everything under way was stopped, and has ended."""
    _computes: Computes | None = None
    _federator: Federator | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def default(self) -> str:
        """Name of the default target (--target, or the profile's)."""
        return str(self.config.target_name)

    @property
    def plain(self) -> bool:
        """True when everything lives on the default target: dbt is then left alone."""
        return self.resolver is None or not self.resolver.uses_dvt

    def output_of(self, unique_id: str) -> str:
        """The output a node is built on or a source lives on; the default for what nobody knows."""
        if self.resolver is None or unique_id not in self.resolver:
            return self.default
        with as_dbt_errors():
            return self.resolver.output_of(unique_id)

    def placement(self, unique_id: str) -> Placement | None:
        """Where and how a node runs; None for what has no place (metrics, exposures…)."""
        if self.resolver is None or unique_id not in self.resolver:
            return None
        with as_dbt_errors():
            return self.resolver.placement(unique_id)

    def federated(self, unique_id: str) -> bool:
        """True when dvt has to compute the node."""
        placement = None if self.plain else self.placement(unique_id)
        return placement is not None and placement.path is Path.FEDERATED

    @property
    def computes(self) -> Computes:
        """The profile's compute engines; ComputesInvalid for a file that cannot be used."""
        if self._computes is None:
            from dvt.config.computes import load_computes

            self._computes = load_computes(str(self.config.profile_name), self.outputs.profiles_dir)
        return self._computes

    def engine_dialect(self, node: Any) -> str:
        """The dialect of the engine that computes a federated node."""
        with as_dbt_errors():
            try:
                return self.computes.named(self.options.compute or node.config.get("compute")).engine.dialect
            except DvtError as error:
                raise error.about(node.name, node.original_file_path) from error.__cause__

    def check(self, selected: Iterable[str]) -> None:
        """Raise what is wrong with the paths of the selected nodes, before any of them runs."""
        if self.resolver is None:
            return
        with as_dbt_errors():
            self.resolver.check(selected)

    def federator(self) -> Federator:
        """The run's Federator, made when the first federated node runs."""
        with self._lock:
            if self._federator is None:
                if self.make_federator is None:
                    msg = "no FederatorFactory was wired: run dvt by its command or dvtRunner"
                    raise RuntimeError(msg)
                with as_dbt_errors():
                    self._federator = self.make_federator(self._context())
            return self._federator

    @property
    def federating(self) -> Federator | None:
        """The Federator if one was made."""
        return self._federator

    def close(self) -> None:
        """End the run: staging, connections, database files."""
        with self._lock:
            federator, self._federator = self._federator, None
        try:
            if federator is not None:
                federator.close()
        finally:
            self.targets.close()

    def _context(self) -> RunContext:
        return RunContext(
            project_dir=FilePath(self.config.project_root),
            profile=str(self.config.profile_name),
            profiles_dir=self.outputs.profiles_dir,
            outputs=self.outputs,
            reporter=self.reporter,
            compute=self.options.compute,
            keep_staging=self.options.keep_staging,
        )


_current: Session | None = None


def current_session() -> Session | None:
    """The invocation under way, if dbt has come as far as registering an adapter."""
    return _current


def begin_session(session: Session) -> None:
    """Make it the current one; the one before is ended."""
    global _current  # noqa: PLW0603 - dbt's own adapters and flags are global to the process too
    end_session()
    _current = session


def end_session() -> None:
    """End the current invocation, if there is one."""
    global _current
    session, _current = _current, None
    if session is not None:
        session.close()
