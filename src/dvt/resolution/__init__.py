"""Decides the target, the connection and the path of every node; describes the types of outputs."""
