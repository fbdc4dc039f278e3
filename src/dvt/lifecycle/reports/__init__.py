"""Writes plans, runs and explanations: as lines for people, and as objects for programs."""
