"""dbt adapters of our own, for databases that have none for today's dbt."""
