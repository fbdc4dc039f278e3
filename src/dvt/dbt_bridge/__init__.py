"""Runs dbt-core and patches it. Folders, top to bottom: entry, commands, nodes, jinja, project, outputs."""
