"""Running: every node with its own target's config and adapter, everything before and after per target."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from dbt.artifacts.schemas.results import RunStatus
from dbt.events.types import LogCancelLine, QueryCancelationUnsupported
from dbt_common.events.functions import fire_event

from dvt.core.errors import NotFederable
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.project.manifest import part_of
from dvt.dbt_bridge.session import Session

logger = logging.getLogger(__name__)

_AGAIN = 0.3
"""Seconds between two rounds of cancelling."""
_PATIENCE = 60.0
"""Seconds after which a statement that cannot be stopped no longer keeps the process from ending."""


def runner_init(
    original: Callable[..., Any], session: Session, self: Any, config: Any, adapter: Any, *args: Any
) -> None:
    """A runner works with the config and the adapter of its node's target."""
    node = args[0]
    target = _runs_on(session, node)
    if node.resource_type == "source" and not session.outputs.can_be_target(target):
        original(self, config, adapter, *args)
        self.compile = partial(_refuse_freshness, node, session.outputs.types[target])
        return
    with as_dbt_errors():
        config, adapter = session.targets.config(target), session.targets.adapter(target)
    original(self, config, adapter, *args)


def _refuse_freshness(source: Any, kind: str, manifest: Any) -> None:
    """One source whose freshness nobody can tell is that source's error, not the command's."""
    del manifest
    what = f"freshness of source '{source.source_name}.{source.name}'"
    hint = "leave `freshness` out here; a model may compute it with max() of the column"
    with as_dbt_errors():
        error = NotFederable(what, f"dbt has no adapter for outputs of type {kind}", hint)
        raise error.about(source.name, source.original_file_path)


def runtime_initialize(original: Callable[..., Any], session: Session, self: Any) -> None:
    """Selection, and then the check of everything selected, before anything runs."""
    original(self)
    session.check([node.unique_id for node in self._flattened_nodes])
    with as_dbt_errors():
        for target in targets_of(session, self):
            session.targets.config(target)


def get_runner(original: Callable[..., Any], session: Session, self: Any, node: Any) -> Any:
    """The runner for the node, or one that federates it."""
    runner = original(self, node)
    if not session.federated(node.unique_id):
        return runner
    from dvt.dbt_bridge.nodes.federated_runner import federated_runner

    return federated_runner(session, runner)


def create_schemas(
    original: Callable[..., Any], session: Session, self: Any, adapter: Any, required_schemas: Any
) -> None:
    """Schemas are created on the targets that the selected nodes are built on."""
    del adapter, required_schemas
    for target in targets_of(session, self):
        with _on_target(session, self, target) as on_target:
            original(self, on_target, _schemas(session, self, target, on_target, creating=True))


def populate_adapter_cache(
    original: Callable[..., Any], session: Session, self: Any, adapter: Any, required_schemas: Any = None
) -> None:
    """What exists is looked up on the targets that the selected nodes are built on."""
    if not self.args.populate_cache:
        original(self, adapter, required_schemas)
        return
    manifest = self.manifest
    for target in targets_of(session, self):
        with _on_target(session, self, target) as on_target:
            schemas = None if required_schemas is None else _schemas(session, self, target, on_target)
            self.manifest = part_of(session, manifest, target)
            try:
                original(self, on_target, schemas)
            finally:
                self.manifest = manifest


def safe_run_hooks(  # noqa: PLR0917 - dbt's own parameters, after ours
    original: Callable[..., Any],
    session: Session,
    self: Any,
    adapter: Any,
    hook_type: Any,
    extra_context: Any,
) -> Any:
    """on-run-start and on-run-end run on the default target: `schemas` are those of that target."""
    if not self.get_hooks_by_type(hook_type) and session.default not in targets_of(session, self):
        return RunStatus.Success  # dbt would open a transaction on a target that nothing needs
    if "database_schemas" in extra_context:
        there = {
            (one.node.database, one.node.schema)
            for one in extra_context["results"]
            if hasattr(one, "node")
            and one.node.is_relational
            and session.output_of(one.node.unique_id) == session.default
        }
        pairs = [pair for pair in extra_context["database_schemas"] if pair in there]
        schemas = list({schema for _, schema in pairs})
        extra_context = {**extra_context, "database_schemas": pairs, "schemas": schemas}
    return original(self, adapter, hook_type, extra_context)


def populate_metadata_freshness_cache(
    original: Callable[..., Any], session: Session, self: Any, adapter: Any, selected_uids: Collection[str]
) -> Any:
    """Freshness from metadata is asked of each connection for its own sources."""
    del adapter
    from dbt.adapters.capability import Capability

    statuses = [RunStatus.Success]
    for target in targets_of(session, self):
        with _on_target(session, self, target) as on_target:
            if on_target.supports(Capability.TableLastModifiedMetadataBatch):
                there = [uid for uid in selected_uids if session.output_of(uid) == target]
                statuses.append(original(self, on_target, there))
    return next((status for status in statuses if status != RunStatus.Success), RunStatus.Success)


def cancel_connections(original: Callable[..., Any], session: Session, self: Any, pool: Any) -> None:
    """Stop what runs in the federation and on every target; one that fails keeps no other running."""
    del original
    _end(session, self.manifest, pool, tell=True)


def run_queue(original: Callable[..., Any], session: Session, self: Any, pool: Any) -> Any:
    """As dbt; the pool is remembered for execute_nodes, which makes it and does not give it away."""
    session.pool = pool
    return original(self, pool)


def execute_nodes(original: Callable[..., Any], session: Session, self: Any) -> Any:
    """As dbt; a second Ctrl-C, which ends dbt's own handling of the first, leaves nothing running either.

    What runs is ended before dbt tidies up, which would wait for it and keep it from being stopped.
    """
    try:
        return original(self)
    except BaseException:
        if session.pool is not None and not session.cancelled:
            ending = threading.Thread(target=_end, args=(session, self.manifest, session.pool), daemon=True)
            ending.start()
            deadline = time.monotonic() + _PATIENCE
            while ending.is_alive() and time.monotonic() < deadline:
                with suppress(KeyboardInterrupt):  # a third one changes nothing
                    ending.join(_AGAIN)
        raise


def _end(session: Session, manifest: Any, pool: Any, *, tell: bool = False) -> None:
    """Begin no other node, stop those under way, and wait for their end."""
    pool.close()
    pool.terminate()
    _stop(session, manifest, tell=tell)
    while _at_work(pool):
        # Again: a statement that was just on its way to its database was not there to be stopped.
        _stop(session, manifest)
    pool.join()
    session.cancelled = True


def _stop(session: Session, manifest: Any, *, tell: bool = False) -> None:
    """One round of cancelling, everywhere."""
    if session.federating is not None:
        _guarded(session.federating.cancel)
    for adapter in (session.targets.adapter(session.default), *(one for _, one in session.targets.opened())):
        _guarded(partial(_cancel, adapter, manifest, tell=tell))


def _at_work(pool: Any) -> bool:
    """Whether a node is still being worked at, after a moment's wait."""
    deadline = time.monotonic() + _AGAIN
    for worker in pool._pool:  # noqa: SLF001 - the threads; join() knows no time limit
        worker.join(max(0.0, deadline - time.monotonic()))
    return any(worker.is_alive() for worker in pool._pool)  # noqa: SLF001


def targets_of(session: Session, task: Any) -> list[str]:
    """The outputs that the task's selected nodes are built on, the default one first."""
    selected = task._flattened_nodes or ()  # noqa: SLF001 - dbt keeps its selection there
    found = {_runs_on(session, node) for node in selected if not node.is_ephemeral_model}
    return sorted(
        filter(session.outputs.can_be_target, found), key=lambda target: (target != session.default, target)
    )


def _runs_on(session: Session, node: Any) -> str:
    """The output a node runs on; inline queries run where all that they read lives."""
    if session.resolver is None or node.unique_id in session.resolver:
        return session.output_of(node.unique_id)
    places = {session.output_of(uid) for uid in getattr(node, "depends_on_nodes", ())}
    return places.pop() if len(places) == 1 else session.default


@contextmanager
def _on_target(session: Session, task: Any, target: str) -> Iterator[Any]:
    """The target's adapter, while the task has the target's config."""
    adapter = session.targets.adapter(target)
    if target == session.default:
        yield adapter  # dbt holds its connection already, and connection_named is not re-entrant
        return
    before, task.config = task.config, session.targets.config(target)
    try:
        with adapter.connection_named("master"):
            yield adapter
    finally:
        task.config = before


def _schemas(session: Session, task: Any, target: str, adapter: Any, *, creating: bool = False) -> Any:
    """The schemas of the selected nodes on a target. `clone` looks at more of them than it creates."""
    nodes = task._flattened_nodes  # noqa: SLF001 - dbt keeps its selection there
    selected = [node.unique_id for node in nodes if session.output_of(node.unique_id) == target]
    clones: Any = next((one for one in type(task).__mro__ if one.__name__ == "CloneTask"), None)
    if creating and clones is not None:
        return super(clones, task).get_model_schemas(adapter, selected)
    return task.get_model_schemas(adapter, selected)


def _cancel(adapter: Any, manifest: Any, *, tell: bool) -> None:
    if not _can_cancel(adapter):
        if tell:
            fire_event(QueryCancelationUnsupported(type=adapter.type()))
        return
    with adapter.connection_named("master"):
        for name in adapter.cancel_open_connections():
            node = manifest.nodes.get(name) if manifest else None
            if tell and (node is None or not node.is_ephemeral_model):
                fire_event(LogCancelLine(conn_name=name))


def _can_cancel(adapter: Any) -> bool:
    """dbt-duckdb raises when it was never opened: then there is nothing to cancel, nor to complain of."""
    return adapter.connections.thread_connections == {} or bool(adapter.is_cancelable())


def _guarded(stop: Callable[[], None]) -> None:
    try:
        stop()
    except Exception as error:  # one that cannot be stopped must not keep the others running
        logger.debug("could not cancel everything", exc_info=error, extra={"action": "cancel"})
