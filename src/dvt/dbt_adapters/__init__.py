"""dbt adapters for databases that have none for the current dbt."""
