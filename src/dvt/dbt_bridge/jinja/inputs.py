"""Makes the federation's inputs: the tables that relations of a federated node's Jinja stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dbt.adapters.duckdb.utils import SourceConfig

from dvt.config.extraction import extraction_of
from dvt.core.requests import Input
from dvt.dbt_bridge.jinja.relations import parts_of, table_ref, unmarked
from dvt.dbt_bridge.outputs import dialects
from dvt.resolution.output_types import LOCATION, OutputType, output_type

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session

_MISSING = object()
"""Stands for a key that a mapping lacks; a key may have the value None."""


def input_of(session: Session, marked: Any, parent: Any) -> Input:
    """Return the input that a marked relation stands for; `parent` is its node or source."""
    kind = session.outputs.types[marked.output]
    relation = _without_default_database(parent, unmarked(marked), kind)
    options = options_of(parent, output_type(kind), session.outputs.output(marked.output))
    return Input(
        table=table_ref(relation, marked.output, dialects.of_type(kind), options, _text(parent, LOCATION)),
        unique_id=parent.unique_id,
        name=parts_of(marked),
        bucket=session.bucket_of(parent),
        extraction=extraction_of(parent.config.get("extraction"), f"{parent.resource_type} {parent.name!r}"),
        is_source=parent.resource_type == "source",
    )


def options_of(parent: Any, kind: OutputType, output: Mapping[str, Any]) -> dict[str, str]:
    """Return the connector's options for reading a table, without those that have their default value."""
    options = {
        name: _choice(parent, output, name, values[0]) if values else _text(parent, name)
        for name, values in kind.read_options.items()
    }
    return {name: value for name, value in options.items() if value is not None}


def _without_default_database(parent: Any, relation: Any, kind: str) -> Any:
    """Remove the database that dbt fills in by default, on an output that dbt has no adapter for."""
    if not output_type(kind).can_be_target and not parent.unrendered_database:
        return relation.incorporate(path={"database": None})
    return relation


def _text(parent: Any, option: str) -> str | None:
    """Return a source's option of any text, with placeholders replaced as dbt-duckdb does."""
    if parent.resource_type != "source":
        return None
    config = SourceConfig.create_from_source(parent)
    text = config.get(option)
    return None if text is None else str(text).format_map(config.as_dict())


def _choice(parent: Any, output: Mapping[str, Any], option: str, default: str) -> str | None:
    """Return an option's value from the source, else from its output; None if it is the default."""
    for settings in (parent.config, parent.meta, output):
        value = settings.get(option, _MISSING)
        if value is not _MISSING:
            # YAML reads a bare `null` as None; the user means the value "null".
            text = "null" if value is None else str(value)
            return None if text == default else text
    return None
