"""The one seam to dbt-core. The folders, top to bottom: entry, commands, nodes, jinja, project, outputs."""
