"""Folders of text files as outputs of type `lines`: every file is a table, every line a row."""
