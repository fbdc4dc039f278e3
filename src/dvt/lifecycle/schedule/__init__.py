"""Cleans by itself: at times of a named zone, one run at a time, with somebody who is told if it does not."""
