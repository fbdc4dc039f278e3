#!/usr/bin/env python3
"""Deletes what pipelines leave behind, with the options of the original cleanup system; see --help."""

from dvt.cli.lifecycle.original import main

if __name__ == "__main__":
    main()
