"""A hook's connection is kept in its SQL, since dbt keeps nothing else of a hook."""

from __future__ import annotations

from dbt.clients.jinja import get_rendered

from dvt.dbt_bridge.outputs.hook_connections import connection_of, with_connection


def test_a_hooks_connection_is_kept_and_renders_to_nothing() -> None:
    hook = with_connection({"sql": "select {{ 1 + 1 }}", "connection": "pg", "transaction": False})
    assert set(hook) == {"sql", "transaction"}
    assert connection_of(hook) == "pg"
    assert get_rendered(hook["sql"], {}) == "select 2"


def test_a_hook_without_a_connection_is_left_as_it_is() -> None:
    hook = {"sql": "select 1"}
    assert with_connection(hook) is hook
    assert connection_of(hook) is None
    assert with_connection("select 1") == "select 1"
