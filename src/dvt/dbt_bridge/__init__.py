"""The one seam to dbt-core: patches, targets, contexts, runners."""
