"""Stage tables that dead runs have left in targets."""
