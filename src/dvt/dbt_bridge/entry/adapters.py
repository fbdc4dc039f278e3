"""dbt's container of adapters, with one adapter per output instead of one per type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dbt.adapters.events.types import AdapterRegistered
from dbt.adapters.factory import AdapterContainer
from dbt.flags import get_flags
from dbt.mp_context import get_mp_context
from dbt_common.events.base_types import EventLevel
from dbt_common.events.functions import fire_event

from dvt.core.ports.bridge import FederatorFactory
from dvt.core.registry import load
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
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
    """Looks up by output name where the type carries one, else by type as dbt does."""

    def __init__(self, before: AdapterContainer) -> None:
        super().__init__()
        self.plugins.update(before.plugins)
        self.packages.update(before.packages)
        self.make_federator: FederatorFactory | None = None
        self.also: tuple[str, ...] = ()
        """Adapter types whose macros the project needs beside the default one's."""

    def load_plugin(self, name: str) -> Any:
        """Import an adapter's package; a missing one names the line that installs it."""
        with as_dbt_errors():
            require_adapter(name)
        own = output_type(name).adapter
        if own is None:
            return super().load_plugin(name)
        plugin = load(own.plugin)
        with self.lock:
            self.plugins[name] = plugin
        self.packages[plugin.project_name] = Path(plugin.include_path)
        for other in plugin.dependencies:
            self.load_plugin(other)
        return plugin.credentials

    def _adapter_version(self, adapter_name: str) -> str:
        own = output_type(adapter_name).adapter
        if own is not None:
            return str(self._validate_version(own.version))
        return str(super()._adapter_version(adapter_name))

    def register_adapter(
        self, config: Any, mp_context: Any, adapter_registered_log_level: EventLevel | None = EventLevel.INFO
    ) -> None:
        """Make the default target's adapter, and begin the session: dbt calls this once it has a config."""
        kind = config.credentials.type
        event = AdapterRegistered(adapter_name=kind, adapter_version=self._adapter_version(kind))
        fire_event(event, level=adapter_registered_log_level)
        if kind in self.adapters:
            return
        adapter = self.get_adapter_class_by_name(kind)(config, mp_context)
        with self.lock:
            self.adapters[kind] = adapter
        if hasattr(config, "project_root"):
            self._begin(config)

    @property
    def default_adapter(self) -> Any:
        """The adapter dbt itself registered."""
        return next(iter(self.adapters.values()))

    def make(self, config: Any) -> Any:
        """A new adapter for an output that is not the default one."""
        adapter_class = self.get_adapter_class_by_name(config.credentials.type)
        return dbt_duckdb.own_environment(adapter_class)(config, get_mp_context())

    def lookup_adapter(self, adapter_name: str) -> Any:
        """The adapter of an output, or dbt's answer for a plain type."""
        session = current_session()
        if isinstance(adapter_name, TargetType) and session is not None:
            with as_dbt_errors():
                return session.targets.adapter(adapter_name.target)
        return super().lookup_adapter(adapter_name)

    def get_adapter_package_names(self, name: str | None) -> list[str]:
        """Packages whose macros win for this type: its own, dbt's, then the other targets'."""
        names: list[str] = super().get_adapter_package_names(name)
        for other in (*self.adapters, *self.also) if name else ():
            names += [plugin.project_name for plugin in self.get_adapter_plugins(other)]
        return list(dict.fromkeys(names))

    def include(self, kinds: set[str]) -> bool:
        """Have these types' macros parsed too; True when that changes anything."""
        missing = kinds - set(self.also) - set(self.adapters)
        for kind in missing:
            self.load_plugin(kind)
        self.also = (*self.also, *sorted(missing))
        return bool(missing)

    def reset_adapters(self) -> None:
        """Forget everything: dbt calls this when an invocation begins."""
        self.cleanup_connections()
        super().reset_adapters()
        self.also = ()

    def cleanup_connections(self) -> None:
        """Close every connection and file: dbt calls this when an invocation ends."""
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
            reporter=EventReporter(lambda: session.manifest),
            options=RunOptions(
                compute=getattr(config.args, "COMPUTE", None),
                keep_staging=bool(getattr(config.args, "KEEP_STAGING", False)),
            ),
            make_federator=self.make_federator,
        )
        begin_session(session)
        self.include(macro_packages.remembered(config) & set(outputs.types.values()))
