"""The original system's script for its database, which works without dvt: `init_cleanup.sql`."""

from __future__ import annotations

from importlib import resources

from dvt.lifecycle.policies.defaults import DEFAULTS

_HEAD = """\
-- Tables, functions and default policies of the cleanup system. Written by `make docs`.
--
--     psql -v ON_ERROR_STOP=1 -d DATABASE -f init_cleanup.sql
--
-- It may be run again at any time: it changes no policy that is there, and adds those that are missing. So
-- `TRUNCATE cleanup_policies` and this script restore the defaults. dvt upgrades the database at opening.

SET client_min_messages = warning;
BEGIN;

"""


def init_cleanup_sql() -> str:
    """Return the script."""
    tables = resources.files("dvt.lifecycle.store") / "sql" / "original_postgres.sql"
    rows = ",\n".join(
        f"    ({_literal(policy.data_type)}, {policy.rule.days:g}, {_literal(policy.description)})"
        for policy in DEFAULTS.values()
    )
    defaults = (
        "\nINSERT INTO cleanup_policies (data_type, retention_days, description) VALUES\n"
        f"{rows}\nON CONFLICT (data_type) DO NOTHING;\n\nCOMMIT;\n"
    )
    return _HEAD + tables.read_text(encoding="utf-8") + defaults


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
