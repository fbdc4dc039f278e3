"""Which pre-hooks may set the session in which a node's SQL runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from dbt.artifacts.resources import Hook

from dvt.dbt_bridge.nodes.own_session import in_own_session

MACROS = {
    "macro.shop.in_tokyo": (
        "{% macro in_tokyo() %}{{ zoned('Asia/Tokyo') }}{% endmacro %}",
        ["macro.shop.zoned"],
    ),
    "macro.shop.zoned": (
        "{% macro zoned(name) %}{{ in_tokyo() if not name }} set time zone '{{ name }}'{% endmacro %}",
        ["macro.shop.in_tokyo"],
    ),
    "macro.shop.noted": (
        "{% macro noted() %}{% set n = 1 %}insert into notes values ({{ n }}){% endmacro %}",
        [],
    ),
}
"""Id of a macro → its text, and the macros that it calls."""
SETTING = (
    "set time zone 'Asia/Tokyo'", "SET\ttimezone = 'UTC'", "-- theirs\nset x = 1", "/* a\nb */ reset all",
    "select 1; pragma default_null_order='nulls_first'",
    "select pg_catalog.set_config('timezone', 'UTC', false)",
    "{{ in_tokyo() }}", "{% if true %}set x = 1{% endif %}", "use other",
)  # fmt: skip
OTHERS = (
    "update t set n = 1", "{% set n = 1 %}delete from t where n = {{ n }}", "{{ noted() }}",
    "insert into settings values (1)", "create table reset_log as select 1",
)  # fmt: skip


def found(hook: str, **hook_keys: Any) -> str:
    """Return what is found of a node with one pre-hook."""

    def macro(name: str, text: str, calls: list[str]) -> Any:
        return SimpleNamespace(name=name, macro_sql=text, depends_on=SimpleNamespace(macros=calls))

    macros = {uid: macro(uid.split(".")[-1], text, calls) for uid, (text, calls) in MACROS.items()}
    config = SimpleNamespace(pre_hook=[Hook(sql=hook, **hook_keys)], get=lambda _: None)
    node = SimpleNamespace(config=config, depends_on=SimpleNamespace(macros=[*MACROS]))
    return in_own_session(node, "house", SimpleNamespace(macros=macros))  # type: ignore[arg-type]


@pytest.mark.parametrize("hook", SETTING)
def test_a_pre_hook_that_may_set_the_session_is_known_before_it_runs(hook: str) -> None:
    assert found(hook) == "its pre-hook changes the session of its target"


@pytest.mark.parametrize("hook", OTHERS)
def test_another_pre_hook_leaves_the_session_alone(hook: str) -> None:
    assert found(hook) == ""
