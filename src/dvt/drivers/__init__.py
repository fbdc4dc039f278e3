"""One place per database for connecting, quoting, types and cancelling; no plans, no dbt."""
