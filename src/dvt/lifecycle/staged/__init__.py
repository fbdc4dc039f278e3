"""What runs have staged in buckets: datasets, and the states by which later runs find them."""
