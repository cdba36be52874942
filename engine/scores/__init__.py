"""Score logs, what is still wanted of a scorer, and where it runs."""
