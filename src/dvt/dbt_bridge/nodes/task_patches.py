"""Wraps dbt's tasks: each node runs with the config and adapter of its target, and each step per target."""

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

from dvt.core.errors import DvtError
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.nodes.recording_nodes import record_nodes
from dvt.dbt_bridge.project.manifest import add_node, part_of
from dvt.dbt_bridge.session import Session

logger = logging.getLogger(__name__)

_CANCEL_INTERVAL = 0.3
"""Seconds between two rounds of cancelling."""
_CANCEL_TIMEOUT = 60.0
"""Seconds after which the process ends although a statement could not be cancelled."""


def runner_init(
    original: Callable[..., Any], session: Session, self: Any, config: Any, adapter: Any, *args: Any
) -> None:
    """Initialize a runner with the config and the adapter of its node's target."""
    node = args[0]
    target = session.output_of(node.unique_id)
    if node.resource_type == "source" and not session.outputs.can_be_target(target):
        original(self, config, adapter, *args)
        return
    try:
        config, adapter = session.targets.config(target), session.targets.adapter(target)
    except Exception as error:  # noqa: BLE001 - raised here, any error would end the whole run
        original(self, config, adapter, *args)
        self.compile = partial(_fail, node, error)
        return
    original(self, config, adapter, *args)


def _fail(node: Any, error: Exception, manifest: Any) -> None:
    """Raise the error that keeps the node's target from being used, as the node's own."""
    del manifest
    with as_dbt_errors():
        raise error.about(node.name, node.original_file_path) if isinstance(error, DvtError) else error


def runtime_initialize(original: Callable[..., Any], session: Session, self: Any) -> None:
    """Select nodes as dbt does, then check all of them before any of them runs."""
    inline = getattr(self, "_inline_node_id", None)
    if inline is not None:
        add_node(session, self.manifest.nodes[inline])
    original(self)
    session.check([node.unique_id for node in self._flattened_nodes], targets_of(session, self))


def get_runner(original: Callable[..., Any], session: Session, self: Any, node: Any) -> Any:
    """Return dbt's runner for the node, or the federated one."""
    runner = original(self, node)
    only_read = not session.outputs.can_be_target(session.output_of(node.unique_id))
    if not (session.is_federated(node.unique_id) or (node.resource_type == "source" and only_read)):
        return runner
    from dvt.dbt_bridge.nodes.federated_runner import federated_runner

    return federated_runner(session, runner)


def create_schemas(
    original: Callable[..., Any], session: Session, self: Any, adapter: Any, required_schemas: Any
) -> None:
    """Create the schemas of the selected nodes, each on its node's target."""
    del adapter, required_schemas
    for target in targets_of(session, self):
        with _on_target(session, self, target) as on_target:
            original(self, on_target, _schemas(session, self, target, on_target, creating=True))


def populate_adapter_cache(
    original: Callable[..., Any], session: Session, self: Any, adapter: Any, required_schemas: Any = None
) -> None:
    """Fill the cache of existing relations of every target that a selected node is built on."""
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
    """Run on-run-start and on-run-end on the default target, with `schemas` of that target only."""
    if not self.get_hooks_by_type(hook_type) and session.default not in targets_of(session, self):
        return RunStatus.Success  # dbt would open a transaction on a target that no node needs
    if "database_schemas" in extra_context:
        on_default = {
            (result.node.database, result.node.schema)
            for result in extra_context["results"]
            if hasattr(result, "node")
            and result.node.is_relational
            and session.output_of(result.node.unique_id) == session.default
        }
        pairs = [pair for pair in extra_context["database_schemas"] if pair in on_default]
        schemas = list({schema for _, schema in pairs})
        extra_context = {**extra_context, "database_schemas": pairs, "schemas": schemas}
    return original(self, adapter, hook_type, extra_context)


def run_operation(
    original: Callable[..., Any], session: Session, self: Any, package_name: str | None, macro_name: str
) -> Any:
    """Execute the macro as dbt does, in a context that sees all outputs."""
    from dvt.dbt_bridge.jinja.operations import operation_context

    macro = self.manifest.find_macro_by_name(macro_name, self.config.project_name, package_name)
    if macro is None:
        return original(self, package_name, macro_name)
    adapter = session.targets.adapter(str(self.config.target_name))
    with adapter.connection_named(f"macro_{macro_name}"):
        adapter.clear_transaction()
        return adapter.execute_macro(
            macro_name,
            project=package_name,
            kwargs=self.args.args,
            macro_resolver=self.manifest,
            context_override=operation_context(session, macro, self.config, self.manifest, package_name),
        )


def populate_metadata_freshness_cache(
    original: Callable[..., Any], session: Session, self: Any, adapter: Any, selected_uids: Collection[str]
) -> Any:
    """Query the freshness of sources from metadata, on every target for its own sources."""
    del adapter
    from dbt.adapters.capability import Capability

    statuses = [RunStatus.Success]
    for target in targets_of(session, self):
        with _on_target(session, self, target) as on_target:
            if on_target.supports(Capability.TableLastModifiedMetadataBatch):
                sources = [uid for uid in selected_uids if session.output_of(uid) == target]
                statuses.append(original(self, on_target, sources))
    return next((status for status in statuses if status != RunStatus.Success), RunStatus.Success)


def cancel_connections(original: Callable[..., Any], session: Session, self: Any, pool: Any) -> None:
    """Cancel what runs in the federation and on every target, and wait for the end of the nodes."""
    del original
    _cancel_and_join(session, self.manifest, pool, log=True)


def run_queue(original: Callable[..., Any], session: Session, self: Any, pool: Any) -> Any:
    """Run the queue as dbt does; keep its pool for `execute_nodes`, where dbt has it in a local variable."""
    session.pool = pool
    return original(self, pool)


def execute_nodes(original: Callable[..., Any], session: Session, self: Any) -> Any:
    """Tell of the nodes that will run, and execute them as dbt does; cancel statements on a second Ctrl-C.

    The second Ctrl-C interrupts dbt's own cancelling. dbt then cleans up, which would wait for the running
    statements, so they are cancelled here before.
    """
    record_nodes(session, self)
    if not session.plain:
        from dvt.dbt_bridge.nodes.expecting import expect_nodes

        expect_nodes(session, self)
    try:
        return original(self)
    except BaseException:
        if session.pool is not None and not session.cancelled:
            arguments = (session, self.manifest, session.pool)
            cancelling = threading.Thread(target=_cancel_and_join, args=arguments, daemon=True)
            cancelling.start()
            deadline = time.monotonic() + _CANCEL_TIMEOUT
            while cancelling.is_alive() and time.monotonic() < deadline:
                with suppress(KeyboardInterrupt):  # a third Ctrl-C
                    cancelling.join(_CANCEL_INTERVAL)
        raise


def _cancel_and_join(session: Session, manifest: Any, pool: Any, *, log: bool = False) -> None:
    """Start no more nodes, cancel the running ones, and wait for the pool's threads to end."""
    pool.close()
    pool.terminate()
    _cancel_all(session, manifest, log=log)
    while _is_working(pool):
        # Repeat: a statement that had not reached its database yet could not be cancelled.
        _cancel_all(session, manifest)
    pool.join()
    session.cancelled = True


def _cancel_all(session: Session, manifest: Any, *, log: bool = False) -> None:
    """Cancel once what runs in the federation and on every target; continue if one of them fails."""
    if session.federator_if_exists is not None:
        _try(session.federator_if_exists.cancel)
    opened = (adapter for _, adapter in session.targets.opened())
    for adapter in (session.targets.adapter(session.default), *opened):
        _try(partial(_cancel, adapter, manifest, log=log))


def _is_working(pool: Any) -> bool:
    """Wait at most `_CANCEL_INTERVAL` for the pool's threads to end; return whether one is still alive."""
    deadline = time.monotonic() + _CANCEL_INTERVAL
    for worker in pool._pool:  # noqa: SLF001 - the threads: the pool's join() has no timeout
        worker.join(max(0.0, deadline - time.monotonic()))
    return any(worker.is_alive() for worker in pool._pool)  # noqa: SLF001


def targets_of(session: Session, task: Any) -> list[str]:
    """Return the outputs that the task's selected nodes are built on, the default one first."""
    selected = task._flattened_nodes or ()  # noqa: SLF001 - dbt keeps its selection there
    outputs = {session.output_of(node.unique_id) for node in selected if not node.is_ephemeral_model}
    return sorted(
        filter(session.outputs.can_be_target, outputs), key=lambda target: (target != session.default, target)
    )


@contextmanager
def _on_target(session: Session, task: Any, target: str) -> Iterator[Any]:
    """Give the task the target's config within the block, and yield the target's adapter, connected."""
    adapter = session.targets.adapter(target)
    if target == session.default:
        yield adapter  # dbt holds its connection already, and connection_named is not re-entrant
        return
    default_config, task.config = task.config, session.targets.config(target)
    try:
        with adapter.connection_named("master"):
            yield adapter
    finally:
        task.config = default_config


def _schemas(session: Session, task: Any, target: str, adapter: Any, *, creating: bool = False) -> Any:
    """Return the schemas of the selected nodes on a target.

    `clone` creates these, but caches more: those that it clones from too. `creating` leaves them out.
    """
    nodes = task._flattened_nodes  # noqa: SLF001 - dbt keeps its selection there
    selected = [node.unique_id for node in nodes if session.output_of(node.unique_id) == target]
    clone_task: Any = next((base for base in type(task).__mro__ if base.__name__ == "CloneTask"), None)
    if creating and clone_task is not None:
        return super(clone_task, task).get_model_schemas(adapter, selected)
    return task.get_model_schemas(adapter, selected)


def _cancel(adapter: Any, manifest: Any, *, log: bool) -> None:
    """Cancel the adapter's running statements; `log` each as dbt does."""
    if not _can_cancel(adapter):
        if log:
            fire_event(QueryCancelationUnsupported(type=adapter.type()))
        return
    with adapter.connection_named("master"):
        for name in adapter.cancel_open_connections():
            node = manifest.nodes.get(name) if manifest else None
            if log and (node is None or not node.is_ephemeral_model):
                fire_event(LogCancelLine(conn_name=name))


def _can_cancel(adapter: Any) -> bool:
    """Return whether the adapter can cancel; True without connections, where dbt-duckdb would raise."""
    return adapter.connections.thread_connections == {} or bool(adapter.is_cancelable())


def _try(cancel: Callable[[], None]) -> None:
    """Call `cancel`, and log what it raises: the other outputs must still be cancelled."""
    try:
        cancel()
    except Exception as error:
        logger.debug("could not cancel everything", exc_info=error, extra={"action": "cancel"})
