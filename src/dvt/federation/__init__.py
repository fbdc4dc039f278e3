"""Execution of federated nodes: plan, extract, stage, compute, load, publish."""
