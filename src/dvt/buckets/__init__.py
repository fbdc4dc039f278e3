"""Where staged files live."""
