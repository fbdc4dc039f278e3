"""Alembic's migrations of the store, which `opening` runs; they are part of the package."""
