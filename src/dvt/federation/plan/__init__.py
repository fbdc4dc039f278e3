"""The planner: SQL in, a FederationPlan out; nothing runs."""
