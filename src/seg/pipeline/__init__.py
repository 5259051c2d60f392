"""The flow of one run, the keys of what its results depend on, and the cache."""
