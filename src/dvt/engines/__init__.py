"""Compute engines: where staged data of several databases meets."""

from __future__ import annotations

from dvt.core.registry import Registry

ENGINES = Registry("dvt.engines", {"duckdb": "dvt.engines.duckdb:DuckDBEngine"})
"""By the `type:` of an entry in computes.yml."""
