"""Runs nodes on their targets, sends requests to the federation, publishes results."""
