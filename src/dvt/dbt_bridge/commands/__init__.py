"""Commands that are dvt's own, or that dvt changes as a whole."""
