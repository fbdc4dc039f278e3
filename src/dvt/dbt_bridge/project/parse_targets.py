"""Finds the target of a node while dbt parses it: what it names is not resolved before all is parsed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from dvt.dbt_bridge.project.properties import Properties
from dvt.dbt_bridge.project.static_calls import static_calls

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session

_TABLES = ("model", "snapshot", "seed")
"""Resource types that `ref()` may name."""


class ParseTargets:
    """The targets of nodes that are being parsed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._decided: dict[str, str] = {}
        self._properties: tuple[Any, Properties] | None = None
        self._in_folders: bool | None = None

    def decide(self, node: Any, target: str) -> None:
        """Fix the target of a node, whatever its Jinja says when it is rendered again."""
        self._decided[node.unique_id] = target

    def of(self, node: Any, config: Any, manifest: Any) -> str:
        """Return the output that a node is built on, as far as it is known.

        Args:
            node: the node that dbt is parsing.
            config: dbt's ContextConfig of the node, with the calls of `config()` that were made so far.
            manifest: the manifest that is being made.
        """
        is_test = str(node.resource_type) in {"test", "unit_test"}
        if self._forced and not is_test:
            return self._forced
        if node.unique_id in self._decided:
            return self._decided[node.unique_id]
        target = self._configured(node, config, manifest)
        if target is None and is_test:
            outputs = set(self._outputs_read(node, manifest))
            target = outputs.pop() if len(outputs) == 1 else None
        return target or self._session.default

    def named(self, node: Any, assumed: str) -> str | None:
        """Return a target other than the assumed one that a call of `config()` in the node's text names."""
        calls = static_calls(node.raw_code or "", ("config",))
        named = (call.kwargs.get("target") for call in calls)
        return next((str(target) for target in named if target and target != assumed), None)

    @property
    def _forced(self) -> str | None:
        return getattr(self._session.config.args, "TARGET", None)

    def _configured(self, node: Any, config: Any, manifest: Any) -> str | None:
        """Return the target that SQL, properties or folder name, which override each other in this order."""
        in_yaml = self._yaml(manifest).target(node)
        in_sql = getattr(config, "_config_call_dict", {}).get("target")
        if not in_sql and not in_yaml and not self._folders_have_targets():
            return None
        patch = {"target": in_yaml} if in_yaml else None
        target = config.build_config_dict(base=True, patch_config_dict=patch).get("target")
        return str(target) if target else None

    def _outputs_read(self, node: Any, manifest: Any) -> Iterator[str]:
        """Yield the outputs of what a test reads, as its text says."""
        kwargs = getattr(getattr(node, "test_metadata", None), "kwargs", None) or {}
        for text in (node.raw_code or "", *_texts(kwargs.values())):
            for call in static_calls(text, ("ref", "source")):
                if call.name == "source" and len(call.args) == 2:  # noqa: PLR2004 - source and table
                    source, table = map(str, call.args)
                    connection = self._yaml(manifest).connection(source, table, node.package_name)
                    yield connection or self._forced or self._session.default
                elif call.name == "ref" and call.args:
                    yield self._output_of_ref(call.args, call.kwargs, node.package_name, manifest)

    def _output_of_ref(self, args: Any, kwargs: Any, package: str, manifest: Any) -> str:
        *of_package, name = map(str, args)
        version = kwargs.get("v", kwargs.get("version"))
        names = name if version is None else f"{name}.v{version}"
        packages = of_package or [package, *(self._session.config.dependencies or ())]
        ids = (f"{kind}.{owner}.{names}" for owner in packages for kind in _TABLES)
        parent = next((manifest.nodes[uid] for uid in ids if uid in manifest.nodes), None)
        if self._forced or parent is None:
            return self._forced or self._session.default
        in_sql = parent.config_call_dict.get("target")
        in_yaml = None if in_sql else self._yaml(manifest).target(parent)
        return str(in_yaml or parent.config.get("target") or self._session.default)

    def _yaml(self, manifest: Any) -> Properties:
        """Return the properties in the manifest's files; dbt may have gone over to another manifest."""
        if self._properties is None or self._properties[0] is not manifest:
            self._properties = (manifest, Properties(self._session.config, manifest))
        return self._properties[1]

    def _folders_have_targets(self) -> bool:
        """Return whether a dbt_project.yml may set `target` for folders: computing configs takes time."""
        if self._in_folders is None:
            projects = (self._session.config, *(self._session.config.dependencies or {}).values())
            self._in_folders = any("target'" in repr(_folders(project)) for project in projects)
        return self._in_folders


def _folders(project: Any) -> tuple[Any, ...]:
    return (project.models, project.seeds, project.snapshots, project.data_tests, project.unit_tests)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    """Yield the texts in a test's arguments."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from _texts(value)
        elif isinstance(value, dict):
            yield from _texts(value.values())
