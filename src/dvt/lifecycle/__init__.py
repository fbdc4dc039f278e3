"""Retention: what is found is decided, planned, backed up, deleted and put on record."""
