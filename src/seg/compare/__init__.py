"""Runs beside each other: what may be compared, in which order, as a table and as a page.

Takes tables of runs, never a store: `seg.compare` reads them.
"""
