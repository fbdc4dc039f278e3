"""The materialization of `publish: keep`. It is not in the manifest, so no project can name it."""

from __future__ import annotations

from pathlib import Path

from dbt.contracts.graph.nodes import Macro
from dbt.node_types import ModelLanguage, NodeType

_FILE = Path(__file__).with_name("include") / "keep.sql"
"""The macro's SQL."""

MACRO = Macro(
    name="materialization_dvt_keep_default",
    unique_id="macro.dvt.materialization_dvt_keep_default",
    package_name="dvt",
    path=_FILE.name,
    original_file_path=_FILE.name,
    resource_type=NodeType.Macro,
    macro_sql=_FILE.read_text(encoding="utf-8"),
    supported_languages=[ModelLanguage.sql],
)
"""The macro: replaces the rows of `this` by those of `dvt_stage`, and adds the columns that `this` lacks."""
