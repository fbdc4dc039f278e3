"""Compute engines: where staged data of several databases meets."""

from __future__ import annotations

from dvt.config.computes import ENGINES

__all__ = ["ENGINES"]
