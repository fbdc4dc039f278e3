"""The contents of dvt's own files: validated once, frozen afterwards."""
