"""The Python environment that outputs and buckets need: what is there, what is missing, how it gets there."""
