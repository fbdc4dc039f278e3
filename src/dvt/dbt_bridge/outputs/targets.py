"""Makes dbt's config and adapter of each output, when a node needs them."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from dbt.config.profile import Profile
from dbt.config.renderer import DbtProjectYamlRenderer
from dbt.config.runtime import RuntimeConfig
from dbt.context.providers import generate_runtime_macro_context
from dbt.context.query_header import generate_query_header_context
from dbt_common.exceptions import DbtBaseException

from dvt.core.errors import BadOutput, UnknownTarget
from dvt.dbt_bridge.outputs.own_adapters import require_adapter
from dvt.dbt_bridge.outputs.profile_outputs import ProfileOutputs
from dvt.dbt_bridge.outputs.target_type import TargetType
from dvt.resolution.output_types import not_a_target, output_type

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


class Adapters(Protocol):
    """The part of dbt's container of adapters that `Targets` uses."""

    @property
    def default_adapter(self) -> Any:
        """The adapter that dbt itself registered."""

    def make_adapter(self, config: Any) -> Any:
        """Make the adapter of an output that is not the default target."""

    def include_macros(self, kinds: set[str]) -> bool:
        """Have dbt parse the macros of these adapter types too; return whether any of them is new."""


class Targets:
    """Holds dbt's configs and adapters by output name. Thread-safe."""

    def __init__(self, config: Any, outputs: ProfileOutputs, adapters: Adapters) -> None:
        self._base = config
        self._outputs = outputs
        self._container = adapters
        self._lock = threading.RLock()
        self._configs: dict[str, Any] = {}
        self._adapters: dict[str, Any] = {}
        self._manifest: Manifest | None = None

    @property
    def default(self) -> str:
        """The name of the default target."""
        return str(self._base.target_name)

    def config(self, target: str) -> Any:
        """Return an output's RuntimeConfig; raise if it cannot be a target or lacks its adapter's package."""
        if target == self.default:
            return self._base
        with self._lock:
            if target not in self._configs:
                self._configs[target] = self._make_config(target)
            return self._configs[target]

    def adapter(self, target: str) -> Any:
        """Return the adapter of an output; making it opens no connection."""
        if target == self.default:
            return self._container.default_adapter
        with self._lock:
            if target not in self._adapters:
                adapter = self._container.make_adapter(self.config(target))
                self._adapters[target] = adapter
                if self._manifest is not None:
                    attach_macros(adapter, self._manifest)
            return self._adapters[target]

    def opened(self) -> Iterator[tuple[str, Any]]:
        """Yield the names and adapters of the outputs used so far, without the default one."""
        with self._lock:
            yield from list(self._adapters.items())

    def attach_macros(self, manifest: Manifest) -> None:
        """Give all adapters their macros: the existing ones now, others when they are made."""
        with self._lock:
            self._manifest = manifest
            for adapter in self._adapters.values():
                attach_macros(adapter, manifest)

    def include_macros(self, kinds: set[str]) -> bool:
        """Have dbt parse the macros of these adapter types too; return whether any of them is new."""
        return self._container.include_macros(kinds)

    def close(self) -> None:
        """Close the connections of all adapters but the default one, which dbt closes itself."""
        for _, adapter in self.opened():
            adapter.cleanup_connections()

    def _make_config(self, target: str) -> Any:
        kind = self._outputs.types.get(target)
        if kind is None:
            raise UnknownTarget("a node", self._base.project_name, target, self._outputs.names)
        if not output_type(kind).can_be_target:
            possible = [name for name in self._outputs.names if self._outputs.can_be_target(name)]
            raise not_a_target("a node", target, kind, possible)
        require_adapter(kind)
        profile = self._profile(target, kind)
        profile.profile_env_vars = self._base.profile_env_vars
        mark_type(profile.credentials, target)
        project = copy.copy(self._base)
        project.quoting = self._raw_quoting()
        return RuntimeConfig.from_parts(project, profile, self._base.args, self._base.dependencies)

    def _profile(self, target: str, kind: str) -> Profile:
        try:
            return Profile.from_raw_profile_info(
                raw_profile=self._outputs.raw,
                profile_name=self._base.profile_name,
                renderer=self._outputs.renderer,
                target_override=target,
                threads_override=self._base.threads,
            )
        except DbtBaseException as error:
            raise BadOutput(target, kind, self._outputs.scrubbed(target, str(error))) from error

    def _raw_quoting(self) -> Mapping[str, Any]:
        """Return the project's quoting as written, without the policy that the default adapter adds."""
        raw = self._base.unrendered.project_dict.get("quoting") or {}
        renderer = DbtProjectYamlRenderer(self._base, self._base.cli_vars)
        return dict(renderer.render_data(raw))


def attach_macros(adapter: Any, manifest: Manifest) -> None:
    """Let an adapter find its macros and add comments to its queries, as dbt does for the default one."""
    adapter.set_macro_context_generator(generate_runtime_macro_context)
    adapter.set_macro_resolver(manifest)
    adapter.connections.set_query_header(generate_query_header_context(adapter.config, manifest))


def mark_type(credentials: Any, target: str) -> None:
    """Make `credentials.type` a TargetType, which carries the output's name."""
    original = type(credentials)
    type_of: Callable[[Any], Any] = original.type.fget
    target_type = property(lambda self: TargetType(type_of(self), target))
    attributes = {"type": target_type, "__module__": __name__}
    credentials.__class__ = type(original.__name__, (original,), attributes)
