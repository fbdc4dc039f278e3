"""Starts dbt and patches it. No other package of the bridge imports this one."""
