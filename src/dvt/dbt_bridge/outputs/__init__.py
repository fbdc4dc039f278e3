"""Reads the profile's outputs, and makes dbt's config and adapter of each."""
