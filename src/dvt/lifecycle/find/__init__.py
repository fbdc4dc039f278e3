"""What is there: items of each data type, with all that a decision needs to know of each."""
