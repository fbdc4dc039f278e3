"""Replaces dbt's container of adapters, which has one per type, by a container with one per output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dbt.adapters.base import impl
from dbt.adapters.events.types import AdapterRegistered
from dbt.adapters.factory import AdapterContainer
from dbt.flags import get_flags
from dbt.mp_context import get_mp_context
from dbt_common.events.base_types import EventLevel
from dbt_common.events.functions import fire_event

from dvt.core.ports.bridge import FederatorFactory
from dvt.core.registry import load
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.entry.recording import recorder
from dvt.dbt_bridge.events import EventReporter
from dvt.dbt_bridge.outputs import dbt_duckdb
from dvt.dbt_bridge.outputs.own_adapters import require_adapter
from dvt.dbt_bridge.outputs.profile_outputs import ProfileOutputs
from dvt.dbt_bridge.outputs.target_type import TargetType
from dvt.dbt_bridge.outputs.targets import Targets
from dvt.dbt_bridge.project import macro_packages
from dvt.dbt_bridge.session import RunOptions, Session, begin_session, current_session, end_session
from dvt.resolution.output_types import output_type


class TargetAdapters(AdapterContainer):
    """dbt's container of adapters, which also finds adapters by the output name that a TargetType carries."""

    def __init__(self, original: AdapterContainer) -> None:
        super().__init__()
        self.plugins.update(original.plugins)
        self.packages.update(original.packages)
        self.make_federator: FederatorFactory | None = None
        self.other_types: tuple[str, ...] = ()
        """Adapter types, other than the default target's, whose macros the project needs."""

    def load_plugin(self, name: str) -> Any:
        """Import an adapter's package; DriverMissing with an install command if it is not installed."""
        with as_dbt_errors():
            require_adapter(name)
        own_adapter = output_type(name).adapter
        if own_adapter is None:
            return super().load_plugin(name)
        plugin = load(own_adapter.plugin)
        with self.lock:
            self.plugins[name] = plugin
        self.packages[plugin.project_name] = Path(plugin.include_path)
        for dependency in plugin.dependencies:
            self.load_plugin(dependency)
        return plugin.credentials

    def _adapter_version(self, adapter_name: str) -> str:
        own_adapter = output_type(adapter_name).adapter
        if own_adapter is not None:
            return str(self._validate_version(own_adapter.version))
        return str(super()._adapter_version(adapter_name))

    def register_adapter(
        self, config: Any, mp_context: Any, adapter_registered_log_level: EventLevel | None = EventLevel.INFO
    ) -> None:
        """Make the default target's adapter and begin the session. dbt calls this once it has a config."""
        kind = config.credentials.type
        event = AdapterRegistered(adapter_name=kind, adapter_version=self._adapter_version(kind))
        fire_event(event, level=adapter_registered_log_level)
        if kind in self.adapters:
            return
        adapter = _make(self.get_adapter_class_by_name(kind), config, mp_context)
        with self.lock:
            self.adapters[kind] = adapter
        if hasattr(config, "project_root"):
            self._begin(config)

    @property
    def default_adapter(self) -> Any:
        """The adapter that dbt itself registered."""
        return next(iter(self.adapters.values()))

    def make_adapter(self, config: Any) -> Any:
        """Make the adapter of an output that is not the default target."""
        adapter_class = self.get_adapter_class_by_name(config.credentials.type)
        return _make(dbt_duckdb.own_environment(adapter_class), config, get_mp_context())

    def lookup_adapter(self, adapter_name: str) -> Any:
        """Return the adapter of a TargetType's output; for a plain type, what dbt returns."""
        session = current_session()
        if isinstance(adapter_name, TargetType) and session is not None:
            with as_dbt_errors():
                return session.targets.adapter(adapter_name.target)
        return super().lookup_adapter(adapter_name)

    def get_adapter_package_names(self, name: str | None) -> list[str]:
        """Return the packages that dispatch searches, in order: the type's own, dbt's, the other types'."""
        names: list[str] = super().get_adapter_package_names(name)
        for kind in (*self.adapters, *self.other_types) if name else ():
            names += [plugin.project_name for plugin in self.get_adapter_plugins(kind)]
        return list(dict.fromkeys(names))

    def include_macros(self, kinds: set[str]) -> bool:
        """Have dbt parse the macros of these adapter types too; return whether any of them is new."""
        missing = kinds - set(self.other_types) - set(self.adapters)
        for kind in missing:
            self.load_plugin(kind)
        self.other_types = (*self.other_types, *sorted(missing))
        return bool(missing)

    def reset_adapters(self) -> None:
        """Forget all adapters. dbt calls this when an invocation begins."""
        self.cleanup_connections()
        super().reset_adapters()
        self.other_types = ()

    def cleanup_connections(self) -> None:
        """Close all connections and files. dbt calls this when an invocation ends."""
        try:
            end_session()
        finally:
            super().cleanup_connections()
            dbt_duckdb.close_files()

    def _begin(self, config: Any) -> None:
        outputs = ProfileOutputs.of(config, Path(get_flags().PROFILES_DIR))
        session = Session(
            config=config,
            outputs=outputs,
            targets=Targets(config, outputs, self),
            reporter=EventReporter(lambda: session.manifest, recorder()),
            recorder=recorder(),
            options=RunOptions(
                compute=getattr(config.args, "COMPUTE", None),
                bucket=getattr(config.args, "BUCKET", None),
                keep_staging=bool(getattr(config.args, "KEEP_STAGING", False)),
                full_refresh=bool(getattr(config.args, "FULL_REFRESH", False)),
                resume=_may_resume(config.args),
            ),
            make_federator=self.make_federator,
        )
        begin_session(session)
        session.recorder.describe(
            project=str(config.project_name), profile=str(config.profile_name), target=session.default
        )
        self.include_macros(macro_packages.remembered(config) & set(outputs.types.values()))


def _may_resume(args: Any) -> bool:
    return bool(getattr(args, "RESUME", True)) and not getattr(args, "FULL_REFRESH", False)


def _make(adapter_class: Any, config: Any, mp_context: Any) -> Any:
    """Make an adapter, and restore the list of all adapters' behavior flags, which gets the adapter's own.

    Otherwise the list grows with each adapter of a process, and dbt inspects the whole stack for each flag.
    """
    flags = impl.DEFAULT_BASE_BEHAVIOR_FLAGS
    before = list(flags)
    try:
        return adapter_class(config, mp_context)
    finally:
        flags[:] = before
