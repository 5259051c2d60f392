"""Databases, object stores and versioned tables as sources: each becomes files of this machine, which the strict readers then read."""
