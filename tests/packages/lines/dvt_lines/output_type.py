"""The row of the type; dvt imports this module alone until it reads from such an output."""

from dvt.resolution.output_types import OutputType

LINES = OutputType(name="lines", dialect="duckdb", can_be_target=False, package="dvt-lines")
