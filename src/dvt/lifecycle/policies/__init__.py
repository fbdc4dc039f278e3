"""Policies: which are valid, and what a change of them would do."""
