"""The command line `dvt`: dbt's commands, and dvt's own."""
