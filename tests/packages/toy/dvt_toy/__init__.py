"""An engine and a bucket from a package: those of dvt.testing."""
