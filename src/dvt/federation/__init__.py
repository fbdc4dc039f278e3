"""What happens to a federated node: plan, extract, stage, compute, load, publish."""
