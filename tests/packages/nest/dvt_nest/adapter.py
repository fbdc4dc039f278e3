"""The dbt adapter: dbt-duckdb under another name."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dbt.adapters.base import AdapterPlugin
from dbt.adapters.base.impl import AdapterTrackingRelationInfo
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.impl import DuckDBAdapter


@dataclass
class NestCredentials(DuckDBCredentials):
    """Keys of an output."""

    @property
    def type(self) -> str:
        """The name of the type."""
        return "nest"


class NestConnectionManager(DuckDBConnectionManager):
    """Connections."""

    TYPE = "nest"


class NestAdapter(DuckDBAdapter):
    """Finds macros named `nest__…`, then those of dbt-duckdb."""

    ConnectionManager = NestConnectionManager

    @classmethod
    def get_adapter_run_info(cls, config: Any) -> AdapterTrackingRelationInfo:
        """Return what dbt reports of a run, since dbt would look for a module in its own namespace."""
        details = cls._get_adapter_specific_run_info(config)
        return AdapterTrackingRelationInfo("nest", version("dbt-adapters"), version("dvt-nest"), details)


NEST = AdapterPlugin(
    adapter=NestAdapter,
    credentials=NestCredentials,
    include_path=str(Path(__file__).parent / "include"),
    dependencies=["duckdb"],
    project_name="dbt_nest",
)
