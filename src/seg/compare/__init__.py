"""Runs beside each other: what may be compared, in which order, as a table and as a page.

Takes tables of runs, never a store: the command (`seg.cli.compare_runs`) reads them.
"""
