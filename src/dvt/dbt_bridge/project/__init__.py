"""Reads a project: its settings and sources, and the outputs and names of its nodes."""
