"""Plans: what is due, written down and signed before anything is done."""
