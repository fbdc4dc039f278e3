"""Runs of dvt on this machine: which of them are alive, and what each may have left behind."""
