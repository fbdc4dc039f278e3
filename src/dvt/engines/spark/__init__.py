"""Spark as compute engine: one application for all models of a run."""

from __future__ import annotations

from dvt.engines.spark.engine import SparkEngine
from dvt.engines.spark.settings import SparkSettings

__all__ = ["SparkEngine", "SparkSettings"]
