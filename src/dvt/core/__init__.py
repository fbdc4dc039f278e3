"""The nouns: names, plans, ports and errors. Imports nothing else of dvt."""
