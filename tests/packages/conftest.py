"""The packages' own tests need the packages installed: tests/conformance/test_other_packages.py runs them."""

collect_ignore_glob = ["*/tests/*"]
