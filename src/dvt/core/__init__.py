"""The nouns: names, plans, ports and errors. This package imports nothing else of dvt."""
