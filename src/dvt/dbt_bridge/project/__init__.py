"""What is read of a project: its settings and sources, where its nodes live, their names there."""
