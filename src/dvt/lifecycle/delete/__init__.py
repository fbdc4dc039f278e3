"""Deletion by way of a quarantine, of what has a verified backup."""
