"""The outputs of the profile, and dbt's config and adapter of each."""
