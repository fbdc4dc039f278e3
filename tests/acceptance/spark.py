"""Spark as a compute of a project, for tests of the command."""

COMPUTES = """\
shop:
  target: duckdb
  computes:
    spark_local:
      type: spark
      master: local[2]
      config: {spark.sql.shuffle.partitions: 4}
"""
"""A computes.yml that names Spark beside DuckDB, which stays the default."""
