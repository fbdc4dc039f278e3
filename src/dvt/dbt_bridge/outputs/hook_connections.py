"""Keeps the output that a hook's `connection:` names.

dbt's Hook has the fields `sql`, `transaction` and `index` only. So a hook's connection is kept in its SQL, as
a Jinja comment, which renders to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_CONNECTION = re.compile(r"\A\{# dvt connection: (.*?) #\}")
"""Matches the Jinja comment before a hook's SQL that names its connection."""


def with_connection(hook: Any) -> Any:
    """Return a hook of `dbt.hooks.get_hook_dict` with its `connection` moved into its SQL."""
    if not isinstance(hook, dict) or "connection" not in hook:
        return hook
    fields = {key: value for key, value in hook.items() if key != "connection"}
    return {**fields, "sql": f"{{# dvt connection: {hook['connection']} #}}{hook.get('sql', '')}"}


def connection_of(hook: Mapping[str, Any]) -> str | None:
    """Return the output that a hook names, None if it names none."""
    comment = _CONNECTION.match(hook.get("sql") or "")
    return comment[1] if comment else None


def outputs_of_hooks(node: Any) -> set[str]:
    """Return the outputs that a node's hooks name."""
    return {output for output in map(connection_of, hooks_of(node)) if output}


def hooks_of(node: Any) -> list[Mapping[str, Any]]:
    """Return a node's pre-hooks and post-hooks."""
    hooks = [*getattr(node.config, "pre_hook", ()), *getattr(node.config, "post_hook", ())]
    return [hook.to_dict(omit_none=True) for hook in hooks]
