"""The command line: dbt's commands under dvt's name, and dvt's own."""
