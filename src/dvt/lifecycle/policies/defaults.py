"""The policies that a store has at first, as the original system's documents give them."""

from __future__ import annotations

from collections.abc import Mapping

from dvt.core.retention import Policy, Rule

DEFAULTS: Mapping[str, Policy] = {
    data_type: Policy(data_type=data_type, rule=Rule(days=days), description=description)
    for data_type, days, description in (
        ("pipeline_operations", 30, "Records of pipelines' operations, of any status"),
        ("dbt_logs", 7, "Logs of dbt"),
        ("failed_operations", 14, "Records of operations that have failed"),
        ("completed_operations", 90, "Records of operations that have succeeded"),
        ("system_logs", 30, "Logs of applications and of the system"),
        ("temp_files", 1, "Temporary files"),
    )
}
"""Data type → its policy."""
