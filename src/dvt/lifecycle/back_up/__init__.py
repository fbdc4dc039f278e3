"""Verified backups: what is deleted can be restored."""
