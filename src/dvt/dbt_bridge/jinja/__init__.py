"""What a node's Jinja sees: contexts, relations, introspection, hooks."""
