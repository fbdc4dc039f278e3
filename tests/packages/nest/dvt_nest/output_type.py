"""The row of the type."""

from dvt.resolution.output_types import OutputType, OwnAdapter

NEST = OutputType(
    name="nest",
    dialect="duckdb",
    adapter=OwnAdapter("dvt_nest.adapter:NEST", driver="duckdb", distribution="dvt-nest"),
    package="dvt-nest",
    rename="alter table {stage} rename to {name}; comment on table {table} is 'hatched'",
)
