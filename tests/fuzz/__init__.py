"""Random queries across databases, compared with the live database of their dialect."""
