"""Rows of tables of other programs: found, backed up with all that refers to them, deleted and restored."""
