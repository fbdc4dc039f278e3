"""What happens to a node: its runner, the request to the federation, the publication of the result."""
