"""Makes the Jinja context of a node: relations, introspection, hooks."""
