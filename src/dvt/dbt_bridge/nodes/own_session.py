"""Finds what a user runs in the session of a node's target before its SQL, and may change its meaning."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from dvt.dbt_bridge.jinja.hooks import other_output

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_SETS = re.compile(
    r"(?:\A|;|%\}|\}\})\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(?:set|reset|pragma|use)\b"
    r"|\bset_config\s*\(|\balter\s+session\b",
    re.IGNORECASE | re.DOTALL,
)
"""Matches a statement that changes a session, in SQL that Jinja has not made yet."""
_CALLED = re.compile(r"(\w+)\s*\(")
"""Matches a call in Jinja; its group is the name."""


def in_own_session(node: Any, target: str, manifest: Manifest) -> str:
    """Return what runs in the target's session and may change what the node's SQL means; empty if nothing."""
    if node.config.get("sql_header"):
        return "its sql_header runs in the session of its target"
    for hook in own_pre_hooks(node, target):
        called = _called(hook.sql, node.depends_on.macros, manifest) if "{" in hook.sql else ()
        if any(map(_SETS.search, (hook.sql, *called))):
            return "its pre-hook changes the session of its target"
    return ""


def own_pre_hooks(node: Any, target: str) -> Iterator[Any]:
    """Yield the pre-hooks that run on the node's own target."""
    for hook in getattr(node.config, "pre_hook", ()):
        if other_output(hook.to_dict(omit_none=True), target) is None:
            yield hook


def _called(text: str, known: Collection[str], manifest: Manifest) -> Iterator[str]:
    """Yield the texts of those of the known macros that a text calls, and of those that they call."""
    waiting, seen = [(text, known)], set[str]()
    while waiting:
        text, known = waiting.pop()
        names = set(_CALLED.findall(text))
        for unique_id in set(known) - seen:
            macro = manifest.macros.get(unique_id)
            if macro is not None and macro.name in names:
                seen.add(unique_id)
                waiting.append((macro.macro_sql, macro.depends_on.macros))
                yield macro.macro_sql
