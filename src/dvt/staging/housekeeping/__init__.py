"""What looks after a project's folder in a bucket when no run does: clean, debug, copy."""
