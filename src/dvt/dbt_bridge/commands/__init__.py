"""Implements dvt's own commands, and dbt's commands that dvt changes as a whole."""
