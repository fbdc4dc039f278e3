"""How dbt is started, and where it is changed: nothing else of the bridge imports this."""
