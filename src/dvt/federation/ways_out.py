"""Ways out for a model that the engine cannot be proven to answer: other places, as hints of errors."""

from __future__ import annotations

from collections.abc import Mapping

from dvt.resolution.output_types import OutputType, output_types

ANOTHER_PLACE = "leave the place to dvt (`compute: auto`), or name another"
"""Hint for a model that the place of its `compute` cannot compute."""


def elsewhere(dialect: str, target: str, outputs: Mapping[str, OutputType]) -> str:
    """Return what to do to have a model computed where its dialect is spoken; only what is possible.

    Args:
        dialect: dialect of the model.
        target: name of the model's target.
        outputs: type of the target, and of the outputs that the model reads, by name.
    """
    if outputs[target].dialect == dialect:
        return "compute the model where its dialect is spoken (`compute: target`)"
    speaking = sorted(
        name for name, type_ in outputs.items() if type_.dialect == dialect and type_.can_be_target
    )
    if speaking:
        return f"build the model where its dialect is spoken (`target: {speaking[0]}`) and read it from there"
    if any(type_.dialect == dialect and type_.can_be_target for type_ in output_types()):
        return f"build the model on an output that speaks {dialect} (`target`) and read it from there"
    return "write the model in the SQL of its target (`dialect: target`)"
